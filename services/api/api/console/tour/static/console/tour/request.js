// From a form to a request.

/** `{method, url, body}`: fields that the path names go there, others that are not empty into the query. */
export function request(form) {
    const query = new URLSearchParams();
    let path = form.dataset.path, body;
    for (const field of form.elements) {
        if (!field.name) continue;
        if (field.name === "body") body = field.value;
        else if (path.includes(`{${field.name}}`)) path = path.replace(`{${field.name}}`, encodeURIComponent(field.value));
        else if (field.value !== "") query.set(field.name, field.value);
    }
    const url = query.size ? `${path}?${query}` : path;
    return { method: form.dataset.method, url, body };
}
