// The start page: the stack as it runs, once a second.
import { amount, intervals } from "../figures.js";
import { poll } from "../live.js";
import { say } from "../elements.js";
import { Topology } from "./topology.js";
import { Traces } from "./trace.js";
import "./people.js";
import "./send.js";

const topology = new Topology(document.getElementById("topology"));
const traces = new Traces(topology, document.getElementById("steps"), document.getElementById("trace-said"));
const trouble = document.getElementById("trouble");
const shown = {
    requests: document.getElementById("rate-requests"),
    messages: document.getElementById("rate-messages"),
    sockets: document.getElementById("sockets"),
};
let before = null;

const sum = (passed, take) => [...passed.values()].reduce((total, interval) => total + take(interval), 0);

function show(snapshot) {
    trouble.hidden = true;
    if (before && snapshot.at <= before.at) return;
    const passed = before ? intervals(before, snapshot) : new Map();
    if (before) {
        say(shown.requests, amount(sum(passed, (interval) => interval.rate("requests"))));
        say(shown.messages, amount(sum(passed, (interval) => interval.rate("posted"))));
    }
    say(shown.sockets, amount(snapshot.processes.reduce((total, { figures }) => total + (figures?.sockets ?? 0), 0)));
    topology.show(snapshot, passed);
    traces.take(snapshot.deliveries);
    before = snapshot;
}

poll("/system/state/", 1000, show, (error) => {
    say(trouble, error.status ? `The api answers ${error.status}; asking again.` : "The api does not answer; asking again.");
    trouble.hidden = false;
    topology.unknown();
});
