/** Server-sent events, read with `fetch`: EventSource sends neither a token nor a body. */

/** The events of a stream (WHATWG HTML, 9.2.6), as far as the API uses them: `{id, name, data}`. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const blocks = (text + piece.value).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const event = { id: "", name: "message", data: "" };
        for (const line of block.split("\n")) {
          if (line.startsWith("id: ")) event.id = line.slice(4);
          if (line.startsWith("event: ")) event.name = line.slice(7);
          if (line.startsWith("data: ")) event.data += line.slice(6);
        }
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {}); // frees the connection, of which a browser has six
  }
}
