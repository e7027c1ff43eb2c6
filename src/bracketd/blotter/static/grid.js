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
  spacing: 5,
  wrapperBorder: false,
});

/** A state is never cut off: it takes as many lines as it needs. */
const ALL_OF_IT = { wrapText: true, autoHeight: true };

const COLUMNS = [
  { field: "what", headerName: "Order", minWidth: 150, flex: 1.4, cellClassRules: { leg: (cell) => cell.data.leg } },
  { field: "id", headerName: "Id", minWidth: 138, flex: 0.8 },
  { field: "side", headerName: "Side", width: 70, cellClass: (cell) => cell.value.toLowerCase() },
  { field: "type", headerName: "Type", width: 84 },
  { field: "filled", headerName: "Filled", minWidth: 84, flex: 1, type: "rightAligned" },
  { field: "price", headerName: "Price", minWidth: 122, flex: 1, type: "rightAligned" },
  { field: "average", headerName: "Average", minWidth: 92, flex: 0.8, type: "rightAligned" },
  { field: "state", headerName: "State", minWidth: 170, flex: 3, ...ALL_OF_IT, cellClass: (cell) => cell.data.status },
];

/** On a phone: what it is, how much of it, at what, and how it stands, with fewer words and as many lines as needed. */
const NARROW_BELOW = 640;
const NARROW = {
  what: { flex: 2.5, ...ALL_OF_IT, valueFormatter: (cell) => cell.value.replace(" · Entry", "") },
  filled: { flex: 1.7 },
  price: { flex: 2, valueFormatter: (cell) => cell.value.replace("trigger ", "") },
  state: { flex: 2.8 },
};

const narrow = (column) =>
  column.field in NARROW ? { ...column, minWidth: 50, ...NARROW[column.field] } : { ...column, hide: true };

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
    const fits = width < NARROW_BELOW;
    if (fits === this.#narrow || !width) return;
    this.#narrow = fits;
    const wide = (column) => ({ hide: false, valueFormatter: undefined, wrapText: false, autoHeight: false, ...column });
    this.#api.setGridOption("columnDefs", COLUMNS.map(fits ? narrow : wide));
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
