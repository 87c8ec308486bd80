// Runs the client.js that the api serves, for test_client_js.py. One argument: JSON with the addresses, the room and
// maybe a token. It prints what happens as lines of JSON, and obeys lines of JSON: {"send": [texts]}, {"close": true}. With
// "states" it tells those too, and its network can be cut: {"cut": true}, {"release": true}.
import {createInterface} from "node:readline";

const {api, url, name, token, place, states} = JSON.parse(process.argv[2]);
const tell = (what) => console.log(JSON.stringify(what));

const source = await (await fetch(`${api}/static/millrace/client.js`)).text();
const {Room, tickets} = await import(`data:text/javascript,${encodeURIComponent(source)}`);

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
});
room.ready.then(() => tell({what: "ready"}), ({code}) => tell({what: "refused", code}));

const lines = createInterface({input: process.stdin});
lines.on("line", (line) => {
    const order = JSON.parse(line);
    for (const text of order.send ?? []) {
        room.send(text).then(
            (seq) => tell({what: "acked", text, seq}),
            (error) => tell({what: "failed", text, kind: error.constructor.name, code: error.code}),
        );
    }
    if (order.typing) room.typing();
    if (order.cut) {
        cut = true;
        socket.close();
    }
    if (order.release) {
        cut = false;
        room.reconnect();
    }
    if (order.close) room.close();
});
room.closed.then((error) => {
    tell({what: "closed", code: error?.code ?? null, place: room.place});
    // The process ends by itself, unless the client leaves a timer or a socket behind.
    lines.close();
    process.stdin.destroy();
});
