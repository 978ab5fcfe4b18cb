"use strict";

// The colours that the reader's system asks for, also when it changes its mind.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const colour = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", colour);
colour();

// The token lives as long as the tab: a reload keeps it, another tab and the disk never see it.
const KEPT = "regulars.authorized";
const kept = () => JSON.parse(sessionStorage.getItem(KEPT) ?? "{}");
const keepToken = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        authorize: (next) => (given) => {
          sessionStorage.setItem(KEPT, JSON.stringify({ ...kept(), ...given }));
          return next(given);
        },
        logout: (next) => (names) => {
          const left = kept();
          for (const name of names) delete left[name];
          sessionStorage.setItem(KEPT, JSON.stringify(left));
          return next(names);
        },
      },
    },
  },
});

// The filter looks into paths, names and summaries, not only at the names of groups.
const filterAll = () => ({
  fn: {
    opsFilter: (groups, phrase) => {
      const wanted = phrase.toLowerCase();
      const says = (operation) =>
        [operation.get("path"), ...["operationId", "summary"].map((name) => operation.getIn(["operation", name]))]
          .join(" ")
          .toLowerCase()
          .includes(wanted);
      return groups
        .map((group, name) =>
          name.toLowerCase().includes(wanted) ? group : group.update("operations", (all) => all.filter(says)),
        )
        .filter((group) => group.get("operations").size > 0);
    },
  },
});

// What Swagger UI says that is not so here.
const truer = ({ React }) => ({
  wrapComponents: {
    // There is one server: the one that the page is from.
    ServersContainer: () => () => null,
    // An expression of licences ("A OR B") has no page where a link could lead.
    OAS31License: () => ({ specSelectors }) =>
      React.createElement("div", { className: "info__license" }, specSelectors.license().get("name")),
    FilterContainer: (Filter) => (props) =>
      React.createElement("div", { ref: nameFilter, role: "search" }, React.createElement(Filter, props)),
  },
});
const nameFilter = (element) => {
  const input = element?.querySelector("input");
  if (!input) return;
  input.placeholder = "Filter by group, path or summary";
  input.setAttribute("aria-label", input.placeholder);
};

// An operation is shown with everything that it refers to. Swagger UI reads the whole document for that, a second for each
// panel that is opened; all our references lead into the document's components, and are looked up in a millisecond.
const resolveLocally = () => ({
  fn: {
    resolveSubtree: async (document, path, { baseDoc }) => {
      const find = (names) => names.reduce((value, name) => value?.[name], document);
      const resolve = (value, within) => {
        if (Array.isArray(value)) return value.map((one) => resolve(one, within));
        if (value === null || typeof value !== "object") return value;
        const { $ref: reference, ...own } = value;
        const members = Object.fromEntries(Object.entries(own).map(([name, of]) => [name, resolve(of, within)]));
        if (typeof reference !== "string") return members;
        if (within.includes(reference)) return value;
        const target = resolve(find(reference.slice(2).split("/")), [...within, reference]);
        // By the last member Swagger UI knows the name of what it shows.
        return { ...target, ...members, $$ref: new URL(reference, new URL(baseDoc, location)).href };
      };
      return { spec: resolve(find(path), []), errors: [] };
    },
  },
});

window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  filter: true,
  plugins: [keepToken, filterAll, truer, resolveLocally],
  tryItOutEnabled: true,
  // Without this the page would send the document's address to a service on the internet.
  validatorUrl: null,
  onComplete: () => window.ui.authActions.authorize(kept()),
});
