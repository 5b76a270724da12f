// Shows /api/openapi.json. Everything from the document is set as text, never as markup.

/** An element with attributes and children; strings become text. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

const nameOf = (reference) => reference.split("/").at(-1);

/** A schema in one line: its type, or a link to the named schema. */
function typeOf(schema) {
  if (schema === undefined) return "";
  if (schema.$ref) {
    const name = nameOf(schema.$ref);
    return make("a", { href: `#schema-${name}` }, name);
  }
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) {
    return make("span", {}, ...choices.flatMap((one, at) => (at ? [" | ", typeOf(one)] : [typeOf(one)])));
  }
  if (schema.type === "array") return make("span", {}, "list of ", typeOf(schema.items ?? {}));
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return make("span", {}, "map to ", typeOf(schema.additionalProperties));
  }
  const type = [schema.type ?? "any"].flat().join(" | ");
  return schema.format ? `${type} (${schema.format})` : type;
}

const LIMITS = ["minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "pattern", "default"];

function limitsOf(schema = {}) {
  return LIMITS.filter((key) => schema[key] !== undefined && schema[key] !== null)
    .map((key) => `${key} ${typeof schema[key] === "object" ? JSON.stringify(schema[key]) : schema[key]}`)
    .join(", ");
}

function table(heads, rows) {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = rows.map((cells) => make("tr", {}, ...cells.map((cell) => make("td", {}, cell))));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...body));
}

function fields(schema) {
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties ?? {}).map(([name, field]) => [
    make("code", {}, name),
    typeOf(field),
    required.has(name) ? "yes" : "no",
    [limitsOf(field), field.description ?? ""].filter(Boolean).join(". "),
  ]);
  return rows.length ? table(["Field", "Type", "Required", "Notes"], rows) : typeOf(schema);
}

function responseRows(operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const [media] = Object.values(response.content ?? {});
    return [make("code", {}, status), response.description, media ? typeOf(media.schema) : ""];
  });
}

function operationArticle(method, path, operation) {
  const inside = make("div", { class: "inside" });
  const permission = operation["x-permission"];
  inside.append(
    make("p", { class: "quiet" }, permission === "public" ? "Public." : `Needs the permission ${permission}.`),
  );
  if (operation.parameters.length) {
    inside.append(
      make("h3", {}, "Parameters"),
      table(
        ["Name", "In", "Type", "Required", "Notes"],
        operation.parameters.map((parameter) => [
          make("code", {}, parameter.name),
          parameter.in,
          typeOf(parameter.schema),
          parameter.required ? "yes" : "no",
          limitsOf(parameter.schema),
        ]),
      ),
    );
  }
  if (operation.requestBody) {
    const [media] = Object.values(operation.requestBody.content);
    inside.append(make("h3", {}, "Body"), typeOf(media.schema));
  }
  inside.append(make("h3", {}, "Answers"), table(["Status", "Meaning", "Body"], responseRows(operation)));
  const summary = make(
    "summary",
    {},
    make("span", { class: `method ${method}` }, method.toUpperCase()),
    make("code", {}, path),
    make("span", { class: "quiet" }, operation.summary),
  );
  const article = make(
    "article",
    { id: operation.operationId },
    make("details", {}, summary, inside),
  );
  article.dataset.words = `${method} ${path} ${operation.summary} ${permission}`.toLowerCase();
  return article;
}

function operationSections(document_) {
  const byTag = new Map();
  for (const [path, methods] of Object.entries(document_.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags[0] || "other";
      if (!byTag.has(tag)) byTag.set(tag, []);
      byTag.get(tag).push([method, path, operation]);
    }
  }
  return [...byTag].sort(([a], [b]) => a.localeCompare(b)).map(([tag, operations]) => {
    const section = make("section", { id: `tag-${tag}` }, make("h2", {}, tag));
    const links = make("ul", {});
    for (const [method, path, operation] of operations) {
      section.append(operationArticle(method, path, operation));
      const short = path.replace("/api/v1", "");
      const link = make("a", { href: `#${operation.operationId}` }, `${method.toUpperCase()} ${short}`);
      links.append(make("li", {}, link));
    }
    return [section, make("div", {}, make("strong", {}, tag), links)];
  });
}

function schemaSection(schemas) {
  const section = make("section", { id: "schemas" }, make("h2", {}, "Schemas"));
  for (const [name, schema] of Object.entries(schemas).sort(([a], [b]) => a.localeCompare(b))) {
    const description = schema.description ? make("p", { class: "quiet" }, schema.description) : null;
    const inside = make("div", { class: "inside" }, description, fields(schema));
    const summary = make("summary", {}, make("code", {}, name));
    const article = make("article", { id: `schema-${name}` }, make("details", {}, summary, inside));
    article.dataset.words = name.toLowerCase();
    section.append(article);
  }
  return section;
}

function problemSection(problems) {
  const rows = problems.map(({ status, code, title, about }) => [
    make("code", { id: `problem-${status}-${code}` }, String(status)),
    make("code", {}, code),
    title,
    about,
  ]);
  const listed = table(["Status", "Code", "Title", "When"], rows);
  return make("section", { id: "problems" }, make("h2", {}, "Problems"), listed);
}

function openTarget() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  const details = target.querySelector("details");
  if (details) details.open = true;
  target.scrollIntoView();
}

const main = document.getElementById("main");
const contents = document.getElementById("contents");
const about = document.getElementById("about");
const filter = document.getElementById("filter");

filter.addEventListener("input", () => {
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const article of main.querySelectorAll("article")) {
    article.hidden = !words.every((word) => article.dataset.words.includes(word));
  }
});
addEventListener("hashchange", openTarget);

try {
  const answer = await fetch("/api/openapi.json");
  const openapi = await answer.json();
  about.textContent = `${openapi.info.title} ${openapi.info.version}. ${openapi.info.description}`;
  for (const [section, links] of operationSections(openapi)) {
    main.append(section);
    contents.append(links);
  }
  main.append(schemaSection(openapi.components.schemas), problemSection(openapi["x-problems"]));
  openTarget();
} catch {
  about.textContent = "The document could not be loaded. Reload the page to try again.";
}
