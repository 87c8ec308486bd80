// Makes elements: nothing that a server or a person wrote is ever parsed as HTML.

/** An element with attributes (`class`, `hidden`, `data-x`, ...; false and null leave one out) and children. */
export function element(tag, attributes = {}, ...children) {
    return filled(document.createElement(tag), attributes, children);
}

/** The same in SVG. */
export function drawing(tag, attributes = {}, ...children) {
    return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function filled(made, attributes, children) {
    for (const [name, value] of Object.entries(attributes)) {
        if (value === false || value === null || value === undefined) continue;
        made.setAttribute(name, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return made;
}

/** Sets an element's text only where it is another one: readers and the browser have less to do. */
export function say(target, text) {
    if (target.textContent !== text) target.textContent = text;
}
