// JSON from strangers. QuickJS inside the component has no TextDecoder, and its parser goes as deep as the
// document does, which ends in a crash; so bytes are decoded and measured here. Webhooks have megabytes and
// an interpreter takes its time for each byte it looks at: what can be left to native functions is.

const DEPTH_MAX = 64;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
// `[` and `{` differ from `]` and `}` in these bits, and both from all else that stands outside texts.
const [OPENS, CLOSES] = [0x5b, 0x5d];

// Throws for what is no UTF-8, no JSON, or nested deeper than DEPTH_MAX.
export function parse(bytes) {
  if (isTooDeep(bytes)) throw new SyntaxError('nested too deeply');
  return JSON.parse(decode(bytes));
}

function isTooDeep(bytes) {
  let depth = 0;
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = endOfText(bytes, at + 1);
    } else if (byte > 0x5a) {
      const kind = byte & 0xdf;
      if (kind === OPENS) {
        depth += 1;
        if (depth > DEPTH_MAX) return true;
      } else if (kind === CLOSES) depth -= 1;
    }
  }
  return false;
}

function endOfText(bytes, from) {
  for (let at = bytes.indexOf(QUOTE, from); at !== -1; at = bytes.indexOf(QUOTE, at + 1)) {
    let before = at;
    while (bytes[before - 1] === BACKSLASH) before -= 1;
    if ((at - before) % 2 === 0) return at;
  }
  return bytes.length;
}

const CHUNK = 8192;

function decode(bytes) {
  let binary = '';
  for (let at = 0; at < bytes.length; at += CHUNK) {
    binary += String.fromCharCode.apply(null, bytes.subarray(at, at + CHUNK));
  }
  if (!/[\x80-\xff]/.test(binary)) return binary;
  // `escape` writes Latin-1 as percent signs, which `decodeURIComponent` reads as UTF-8, strictly.
  return decodeURIComponent(escape(binary));
}
