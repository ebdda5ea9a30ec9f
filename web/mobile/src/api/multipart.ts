// A multipart body by hand: WeChat uploads one file a request, and papers belong together.

export interface FilePart {
  name: string;
  fileName: string;
  type: string;
  content: ArrayBuffer;
}

/** `boundary` must not occur in any content; one made of random characters does not. */
export function multipart(fields: Record<string, string>, files: FilePart[], boundary: string): ArrayBuffer {
  const pieces: Uint8Array[] = [];
  for (const [name, value] of Object.entries(fields)) {
    pieces.push(utf8(`--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`));
  }
  for (const file of files) {
    pieces.push(utf8(`--${boundary}\r\nContent-Disposition: form-data; name="${file.name}"; filename="${file.fileName}"\r\nContent-Type: ${file.type}\r\n\r\n`));
    pieces.push(new Uint8Array(file.content), utf8("\r\n"));
  }
  pieces.push(utf8(`--${boundary}--\r\n`));
  return joined(pieces).buffer as ArrayBuffer;
}

function joined(pieces: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Without TextEncoder, which WeChat lacks. */
export function utf8(text: string): Uint8Array {
  const escaped = encodeURIComponent(text);
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; at += 1) {
    if (escaped[at] === "%") {
      bytes.push(parseInt(escaped.slice(at + 1, at + 3), 16));
      at += 2;
    } else {
      bytes.push(escaped.charCodeAt(at));
    }
  }
  return Uint8Array.from(bytes);
}
