// QuickJS inside the component has no TextDecoder and no TextEncoder.

// Bytes to text. Throws when they are no UTF-8.
export function decode(bytes) {
  let escaped = '';
  for (const byte of bytes) escaped += `%${byte.toString(16).padStart(2, '0')}`;
  return decodeURIComponent(escaped);
}

// Text to bytes; half a surrogate pair becomes U+FFFD.
export function encode(text) {
  const escaped = encodeURIComponent(text.toWellFormed());
  return escaped.replace(/%([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16))).split('').map((char) => char.charCodeAt(0));
}
