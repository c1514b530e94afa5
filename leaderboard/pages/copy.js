/** Put a button into a place that copies the page's address, which holds the view. */
function copyLink(place) {
  if (place.querySelector("button")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy link";
  button.title = "The address holds what you see: limits, order, ticks, page";
  const told = document.createElement("span");
  told.setAttribute("role", "status");
  place.append(told, button);
  let silence;
  const say = (text) => {
    told.textContent = text;
    clearTimeout(silence);
    silence = setTimeout(() => { told.textContent = ""; }, 6000);
  };
  button.onclick = async () => {
    const address = location.href;
    if (await copied(address)) say(reach());
    else window.prompt("Copy this address:", address);  // a browser that lets no page copy
  };
}

/** True where the text went to the clipboard; over plain HTTP a browser has none for pages. */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const box = document.createElement("textarea");
    box.value = text;
    box.style.position = "fixed";
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    return done;
  }
}

/** Who can open the address. */
function reach() {
  if (location.protocol === "file:") return "Copied. What follows # shows the same in any copy of this file.";
  const here = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  return here ? "Copied. It opens on this computer; for others: Overview, Take along, HTML." : "Copied.";
}
