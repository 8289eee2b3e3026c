// Keeps the check-boxes of the resources and the JSON beside them in step. Without this the radio says which is taken.
const form = document.querySelector("[data-connect]");
if (form) {
  const pane = form.querySelector("[data-json-pane]");
  const fault = form.querySelector("[data-json-error]");
  const rows = [...form.querySelectorAll("[data-resource]")];
  const radios = { form: form.querySelector("#pane-form"), json: form.querySelector("#pane-json") };
  form.querySelector("[data-pane-choice]").hidden = true;

  // A date field is known as updatedDateField and as updatedAtField: what is written so stays so.
  const spell = (place, column) => {
    const known = [column.toLowerCase(), column.replace("Date", "At").toLowerCase()];
    return Object.keys(place).find((key) => known.includes(key.trim().toLowerCase())) ?? column;
  };
  const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const placeOf = (settings, column) =>
    column.includes("Date") ? (isObject(settings.datesConfiguration) ? settings.datesConfiguration : {}) : settings;
  const readColumn = (settings, column) => {
    const value = placeOf(settings, column)[spell(placeOf(settings, column), column)];
    return typeof value === "string" ? value : "";
  };

  const parse = () => {
    try {
      const value = JSON.parse(pane.value.trim() || "{}");
      if (!isObject(value)) throw new SyntaxError("this is no object of resources");
      fault.hidden = true;
      return value;
    } catch (error) {
      fault.textContent = `This is not JSON: ${error.message}`;
      fault.hidden = false;
      return null;
    }
  };

  const write = (settings, column, text, usual) => {
    if (column.includes("Date") && !isObject(settings.datesConfiguration)) settings.datesConfiguration = {};
    const place = placeOf(settings, column);
    if (text === (readColumn(settings, column) || usual)) return;
    if (text || column === "url" || column === "idField") place[spell(place, column)] = text;
    else delete place[spell(place, column)];
  };

  const toJson = () => {
    const value = parse();
    if (value === null) return;
    for (const row of rows) {
      const name = row.dataset.resource;
      if (!row.querySelector("input[type=checkbox]").checked) {
        delete value[name];
        continue;
      }
      value[name] ??= JSON.parse(row.dataset.template);
      if (!isObject(value[name])) continue;
      for (const input of row.querySelectorAll("[data-column]")) {
        write(value[name], input.dataset.column, input.value.trim(), input.options?.[0].value ?? "");
      }
    }
    pane.value = JSON.stringify(value, null, 2);
    radios.form.checked = true;
  };

  const toForm = () => {
    radios.json.checked = true;
    const value = parse();
    if (value === null) return;
    for (const row of rows) {
      const settings = value[row.dataset.resource];
      row.querySelector("input[type=checkbox]").checked = settings !== undefined;
      if (!isObject(settings)) continue;
      for (const input of row.querySelectorAll("[data-column]")) {
        input.value = readColumn(settings, input.dataset.column) || (input.options?.[0].value ?? "");
      }
    }
    form.dispatchEvent(new Event("change"));
  };

  for (const row of rows) row.addEventListener("input", toJson);
  pane.addEventListener("input", toForm);
}
