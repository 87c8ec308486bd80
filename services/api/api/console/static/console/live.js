// Asks for something again and again, one question at a time, and not while nobody looks at the page.

const PATIENCE = 4_000;

/**
 * Calls `onAnswer(answer)` with the JSON of `url` about every `every` milliseconds, and `onFailure(error)` where there
 * is none: an `Error` with `status` where the server said so.
 * @returns {() => void} ends it
 */
export function poll(url, every, onAnswer, onFailure) {
    let timer, over = false, asking = false;

    async function ask() {
        if (asking || over || document.hidden) return;
        asking = true;
        const began = performance.now();
        try {
            const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
            if (!response.ok) throw Object.assign(new Error(`HTTP ${response.status}`), { status: response.status });
            const answer = await response.json();
            if (!over) onAnswer(answer);
        } catch (error) {
            if (!over) onFailure(error);
        } finally {
            asking = false;
            if (!over) timer = setTimeout(ask, Math.max(50, every - (performance.now() - began)));
        }
    }

    document.addEventListener("visibilitychange", ask);
    ask();
    return () => {
        over = true;
        clearTimeout(timer);
        document.removeEventListener("visibilitychange", ask);
    };
}
