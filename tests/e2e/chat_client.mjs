// Runs the client.js that the api serves, for test_client_js.py. One argument: JSON with the addresses, the room and
// maybe a token. It prints what happens as lines of JSON, and obeys lines of JSON: {"send": [texts or [text, id]]},
// {"typing": times}, {"close": true}. With "states" it tells those too, and its network can be cut: {"cut": true},
// {"release": true}. "outbox" is the room's option; with "luck", a number, all delays are drawn with that.
import {createInterface} from "node:readline";

const {api, url, name, token, place, states, luck, ...others} = JSON.parse(process.argv[2]);
const tell = (what) => console.log(JSON.stringify(what));

const source = await (await fetch(`${api}/static/millrace/client.js`)).text();
const {Room, tickets} = await import(`data:text/javascript,${encodeURIComponent(source)}`);

if (luck !== undefined) Math.random = () => luck;

let socket, cut = false;
function connect(address, protocols) {
    if (cut) throw new Error("cut");
    return socket = new WebSocket(address, protocols);
}

const room = new Room(url, name, {
    place,
    ticket: token && tickets(api, {token}),
    onMessage: (message) => tell({what: "message", ...message}),
    onEvent: (event) => tell({what: "event", ...event}),
    onResync: ({epoch}) => tell({what: "resync", epoch}),
    onState: states && ((state) => tell({what: "state", ...state})),
    connect: states && connect,
    ...others,
});
room.ready.then(() => tell({what: "ready"}), ({code}) => tell({what: "refused", code}));

const lines = createInterface({input: process.stdin});
lines.on("line", (line) => {
    const order = JSON.parse(line);
    if (order.close) room.close();
    for (const [text, id] of (order.send ?? []).map((each) => [each].flat())) {
        room.send(text, id).then(
            (seq) => tell({what: "acked", text, seq}),
            (error) => tell({what: "failed", text, kind: error.constructor.name, code: error.code}),
        );
    }
    for (let times = 0; times < (order.typing ?? 0); times++) room.typing();
    if (order.cut) {
        cut = true;
        socket.close();
    }
    if (order.release) {
        cut = false;
        room.reconnect();
    }
});
room.closed.then((error) => {
    tell({what: "closed", code: error?.code ?? null, place: room.place});
    // The process ends by itself, unless the client leaves a timer or a socket behind.
    lines.close();
    process.stdin.destroy();
});
