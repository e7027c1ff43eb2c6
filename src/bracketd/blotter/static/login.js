// The login: id, password and the second factor by the family's own requests; the token stays in this tab.

import { the } from "./element.js";
import * as wire from "./wire.js";

const FRAGMENT = /^#token=([A-Za-z0-9._~+/=-]+)$/;

/** A token that came with the address is taken, and taken out of the address before anything else happens. */
export function tokenOfAddress() {
  const found = FRAGMENT.exec(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname);
  return found ? found[1] : "";
}

/** The form; `onIn` is called once a token is there. */
export function watchLogin(onIn) {
  const form = the("login-form");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    the("login-said").textContent = "";
    const { client, password, factor } = form.elements;
    const said = await enter(client.value.trim(), password.value, factor.value.trim());
    button.disabled = false;
    factor.value = "";
    the("login-said").textContent = said;
    if (!said) {
      form.reset();
      onIn();
    }
  });
}

/** Log in; returns what went wrong, in a sentence, or nothing. */
async function enter(client, password, factor) {
  const first = await wire.logIn(client, password);
  const ticket = first.body?.data?.twofa?.twofa_token;
  if (first.kind !== "done" || !ticket) return refused(first);
  const second = await wire.secondFactor(client, ticket, factor);
  const token = second.body?.data?.auth_token;
  if (second.kind !== "done" || !token) return refused(second);
  wire.keepToken(token);
  return "";
}

function refused(outcome) {
  if (outcome.kind === "unknown") return `The server did not answer. ${outcome.message}`;
  if (outcome.status === 429) return "Too many attempts: this id is locked for a while, or the server is busy.";
  return outcome.message || "The login was refused.";
}
