// Reports that the page is open; handles arrow keys, dropped files and requests in links. `this`: the style element.
(root => {
  if (!root || root.dataset.lmSuppressShortcuts) return;
  root.dataset.lmSuppressShortcuts = 'true';  // keeps JupyterLab from handling arrow keys
  const send = files => {  // pairs of name and text, all in one message: the next one would replace it
    const field = root.querySelector('.svgf-inbox textarea');
    field.value = JSON.stringify(files);
    for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, {bubbles: true}));
  };
  root.addEventListener('keydown', event => {
    const cards = event.target.closest('.svgf-grid, .svgf-history, .svgf-drawings');
    if (!cards || !event.target.matches('.svgf-cover')) return;
    const covers = [...cards.querySelectorAll('.svgf-cover')];
    const top = cover => Math.round(cover.getBoundingClientRect().top);
    const columns = covers.filter(cover => top(cover) === top(covers[0])).length;
    const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns}[event.key];
    const next = covers[covers.indexOf(event.target) + step];
    if (!step) return;
    event.preventDefault();
    if (next) next.focus();
  });
  const onDrag = shown => event => {
    if (!event.dataTransfer.types.includes('Files')) return;
    event.preventDefault();
    root.classList.toggle('svgf-dropping', shown);
  };
  root.addEventListener('dragover', onDrag(true));
  root.addEventListener('dragleave', onDrag(false));
  root.addEventListener('drop', event => {
    onDrag(false)(event);
    const files = [...event.dataTransfer.files].map(async file => [file.name, await file.text()]);
    Promise.allSettled(files).then(read => send(read.flatMap(each => each.value ? [each.value] : [])));  // no folders
  });
  // No file has such a name. The text is the request in the link that opened the page, if any.
  send([['/opened', new URLSearchParams(location.hash.slice(1)).get('svgfusion') || '']]);
})(this.closest('.svgf'));
