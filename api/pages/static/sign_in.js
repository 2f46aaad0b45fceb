// A key that came behind the address's #, which browsers send to nobody: it waits in the field, and
// stands in the address no longer. Who signs in still presses the button, so that no link does it.
const PREFIX = "#key=";

export function takeKeyFromAddress() {
  const field = document.querySelector('form[action="/session"] input[name="key"]');
  if (!field || !location.hash.startsWith(PREFIX)) return;
  field.value = decodeURIComponent(location.hash.slice(PREFIX.length));
  history.replaceState(null, "", location.pathname + location.search);
  field.form.querySelector('[type="submit"]').focus();
}
