// A classic script in the head, so that a chosen theme is there before the first paint. Kept in localStorage:
// "light", "dark", or nothing for what the system says.
(() => {
    const KEY = "millrace-theme";
    const ORDER = ["system", "light", "dark"];
    const LABELS = { system: "as the system", light: "light", dark: "dark" };
    const root = document.documentElement;

    function kept() {
        try {
            const value = localStorage.getItem(KEY);
            return ORDER.includes(value) ? value : "system";
        } catch {
            return "system"; // a browser that allows no storage
        }
    }

    function apply(theme) {
        if (theme === "system") delete root.dataset.theme;
        else root.dataset.theme = theme;
    }

    function keep(theme) {
        try {
            if (theme === "system") localStorage.removeItem(KEY);
            else localStorage.setItem(KEY, theme);
        } catch {
            // It holds for this page then.
        }
    }

    let theme = kept();
    apply(theme);

    document.addEventListener("DOMContentLoaded", () => {
        const button = document.getElementById("theme");
        const show = () => {
            button.dataset.theme = theme;
            button.setAttribute("aria-label", `Theme: ${LABELS[theme]}`);
            button.title = `Theme: ${LABELS[theme]}`;
        };
        show();
        button.addEventListener("click", () => {
            theme = ORDER[(ORDER.indexOf(theme) + 1) % ORDER.length];
            apply(theme);
            keep(theme);
            show();
        });
    });
})();
