// The sliders of the upstreams' faults.
import { call } from "../api.js";

const PATH = "/gather/faults/";
const TAIL_MS = 1200;
const SETTLED = 150; // milliseconds without a change before it is sent

const NONE = { latency: 0, tail: 0, errors: 0, hangs: 0 };
const SCENARIOS = {
  healthy: () => NONE,
  slow: () => ({ ...NONE, latency: 300 }),
  tail: () => ({ ...NONE, latency: 25, tail: 5 }),
  flaky: () => ({ ...NONE, latency: 25, errors: 33 }),
  hang: (leg) => ({ ...NONE, latency: 25, hangs: leg === "orders" ? 100 : 0 }),
};

function asSettings({ latency, tail, errors, hangs }) {
  const slow = { kind: "tail", ms: latency, tail_rate: tail / 100, tail_ms: Math.max(latency, TAIL_MS) };
  // Shares of all requests: together they are at most all of them.
  const hang = Math.min(hangs, 100) / 100;
  return {
    ...(latency || tail ? { latency: slow } : {}),
    hang_rate: hang,
    error_rate: Math.min(errors / 100, 1 - hang),
  };
}

function asValues({ latency, error_rate: errors, hang_rate: hangs }) {
  return {
    latency: latency?.ms ?? latency?.median_ms ?? latency?.high_ms ?? 0,
    tail: 100 * (latency?.tail_rate ?? 0),
    errors: 100 * errors,
    hangs: 100 * hangs,
  };
}

/** The form `faults`, the buttons of the scenarios, and the line that says what became of them. */
export class Faults {
  #form;
  #said;
  #timer;

  constructor(form, buttons, said) {
    this.#form = form;
    this.#said = said;
    form.addEventListener("input", (event) => {
      this.#show(event.target);
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#send(), SETTLED);
    });
    for (const button of buttons) {
      button.addEventListener("click", () => {
        this.#set(SCENARIOS[button.dataset.scenario]);
        this.#send();
      });
      button.disabled = false;
    }
    this.#load();
  }

  get #legs() {
    return [...this.#form.querySelectorAll("fieldset")];
  }

  #show(input) {
    const output = input.parentElement.querySelector("output");
    output.textContent = `${input.value} ${input.dataset.unit}`;
    input.setAttribute("aria-valuetext", output.textContent);
  }

  #set(valuesOf) {
    for (const leg of this.#legs) {
      const values = valuesOf(leg.dataset.leg);
      for (const input of leg.querySelectorAll("input")) {
        input.value = Math.round(values[input.name]);
        input.disabled = false;
        this.#show(input);
      }
    }
  }

  async #load() {
    try {
      const settings = await call("GET", PATH);
      this.#set((leg) => asValues(settings[leg]));
    } catch (error) {
      this.#said.textContent = `The faults cannot be read: ${error.message}`;
    }
  }

  async #send() {
    const wanted = {};
    for (const leg of this.#legs) {
      const values = Object.fromEntries([...leg.querySelectorAll("input")].map(({ name, value }) => [name, Number(value)]));
      wanted[leg.dataset.leg] = asSettings(values);
    }
    try {
      await call("PUT", PATH, wanted);
      this.#said.textContent = "Set. It holds for the next requests.";
    } catch (error) {
      this.#said.textContent = `Not set: ${error.message}`;
    }
  }
}
