/** Show the ranked table and say what is clicked in it: [act, value], as its marks name them. */
const CLASSES_PX = [1080, 640, 320];  // plot_labels.WIDTHS

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  let place = parentElement.querySelector(":scope > .table");
  if (!place) {
    place = document.createElement("div");
    place.className = "table";
    parentElement.append(place);
  }
  renew(place, data.html);
  place.onclick = (event) => {
    const mark = event.target.closest("[data-act]");
    if (!mark) return;
    const { act, value } = mark.dataset;
    if (act === "open" || act === "term") {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;  // a tab of its own
      event.preventDefault();
    }
    setTriggerValue("asked", [act, value]);
  };
  const seen = new ResizeObserver(() => {
    const width = CLASSES_PX.find((least) => least <= place.clientWidth) ?? CLASSES_PX.at(-1);
    if (place.clientWidth && width !== (place.told ?? data.width)) {
      place.told = width;
      setStateValue("width", width);
    }
  });
  seen.observe(place);
  return () => seen.disconnect();
}

/** Put another table in the place of one, scrolled to where that was and with the same focus. */
function renew(place, html) {
  if (place.html !== html) {
    const scrolled = place.querySelector(".ranked");
    const [left, top] = [scrolled?.scrollLeft ?? 0, scrolled?.scrollTop ?? 0];
    const { act, value } = place.contains(document.activeElement)
      ? document.activeElement.dataset : {};
    place.html = html;
    place.innerHTML = html;
    place.querySelector(".ranked")?.scrollTo(left, top);
    [...place.querySelectorAll("[data-act]")]
      .find((mark) => mark.dataset.act === act && mark.dataset.value === value)
      ?.focus({ preventScroll: true });
  }
  for (const box of place.querySelectorAll("input")) box.checked = box.defaultChecked;
}
