// The grid: AG Grid (community) with the book's lines. Only the lines in sight are in the page, however many there are.

import { AllCommunityModule, ModuleRegistry, createGrid, themeQuartz } from "./grid/index.js";

ModuleRegistry.registerModules([AllCommunityModule]);

const theme = themeQuartz.withParams({
  accentColor: "var(--accent)",
  backgroundColor: "var(--panel)",
  borderColor: "var(--edge)",
  browserColorScheme: "inherit",
  fontFamily: "inherit",
  fontSize: 14,
  foregroundColor: "var(--ink)",
  headerBackgroundColor: "var(--panel)",
  headerFontWeight: 600,
  headerTextColor: "var(--quiet)",
  rowHeight: 34,
  headerHeight: 36,
  selectedRowBackgroundColor: "var(--chosen)",
  rowHoverColor: "var(--hover)",
  spacing: 6,
  wrapperBorder: false,
});

const COLUMNS = [
  { field: "what", headerName: "Order", minWidth: 170, flex: 2.4, cellClassRules: { leg: (cell) => cell.data.leg } },
  { field: "id", headerName: "Id", minWidth: 124, flex: 1.2 },
  { field: "side", headerName: "Side", width: 70, cellClass: (cell) => cell.value.toLowerCase() },
  { field: "type", headerName: "Type", width: 92 },
  { field: "filled", headerName: "Filled", minWidth: 88, flex: 1, type: "rightAligned" },
  { field: "price", headerName: "Price", minWidth: 126, flex: 1.6, type: "rightAligned" },
  { field: "average", headerName: "Average", minWidth: 90, flex: 1, type: "rightAligned" },
  { field: "state", headerName: "State", minWidth: 190, flex: 3, cellClass: (cell) => `state ${cell.data.status}` },
];

/** On a phone: what it is, how much of it, at what, and how it stands. */
const NARROW = { hidden: ["id", "side", "type", "average"], below: 640 };

/** The nonce of the page's policy, by which the grid's style sheet is let in. */
const nonce = () => document.querySelector("link[rel=stylesheet]").nonce;

export class Grid {
  #api;
  #narrow = null;
  #quiet = false;

  /** `onChoose` gets the id of the line that was chosen. */
  constructor(element, onChoose) {
    this.#api = createGrid(element, {
      theme,
      styleNonce: nonce(),
      columnDefs: COLUMNS,
      defaultColDef: { sortable: false, resizable: true, suppressMovable: true, suppressHeaderMenuButton: true },
      getRowId: (row) => row.data.id,
      rowData: [],
      rowSelection: { mode: "singleRow", checkboxes: false, enableClickSelection: true },
      rowClassRules: { loud: (row) => row.data.loud, first: (row) => !row.data.leg },
      suppressColumnVirtualisation: true,
      animateRows: false,
      enableCellTextSelection: true,
      ensureDomOrder: true,
      overlayNoRowsTemplate: '<span class="none">Nothing in the book yet.</span>',
      onSelectionChanged: () => {
        const [row] = this.#api.getSelectedRows();
        if (row && !this.#quiet) onChoose(row.id);
      },
      onCellKeyDown: (told) => {
        if (told.event.key === "Enter") told.node.setSelected(true, true);
      },
      onGridSizeChanged: (told) => this.#fit(told.clientWidth),
    });
    this.#api.setGridAriaProperty("label", "Order book");
  }

  #fit(width) {
    const narrow = width < NARROW.below;
    if (narrow === this.#narrow || !width) return;
    this.#narrow = narrow;
    // A phone's grid may be less than the columns' least widths: there they share what there is.
    const least = (column) => (narrow ? { ...column, minWidth: 58 } : column);
    const flex = { what: 2.6, filled: 1.8, price: 2.2, state: 3 };
    this.#api.setGridOption(
      "columnDefs",
      COLUMNS.map((column) => ({
        ...least(column),
        hide: narrow && NARROW.hidden.includes(column.field),
        flex: narrow ? flex[column.field] : column.flex,
      })),
    );
  }

  /** Show these lines, in their order. */
  show(lines) {
    this.#api.setGridOption("rowData", lines);
  }

  /** Mark a line as the chosen one, without telling anybody. */
  choose(id) {
    this.#quiet = true;
    this.#api.getRowNode(id)?.setSelected(true, true);
    this.#quiet = false;
  }
}
