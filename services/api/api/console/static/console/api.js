// Requests to the api, with the CSRF token that the page was given.

/** The api's answer was an error: `status`, and `body` where it was JSON. */
export class ApiError extends Error {
    constructor(status, body) {
        super(body?.error ?? `HTTP ${status}`);
        this.status = status;
        this.body = body;
    }
}

/** The headers of a request that writes. */
export function csrf() {
    const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";
    return { "X-CSRFToken": token };
}

/** The answer's JSON, or null where it has none. Throws ApiError for 4xx and 5xx, TypeError where nobody answers. */
export async function call(method, path, body, { signal } = {}) {
    const headers = method === "GET" ? {} : csrf();
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const response = await fetch(path, {
        method,
        headers,
        signal,
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const isJson = response.headers.get("Content-Type")?.startsWith("application/json");
    const answer = isJson ? await response.json() : null;
    if (!response.ok) throw new ApiError(response.status, answer);
    return answer;
}
