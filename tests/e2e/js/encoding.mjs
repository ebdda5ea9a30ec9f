// The official JavaScript client of an encoding, and how data is given to it and taken from it.
//
// Over Protobuf data are bytes, and what stands in them is up to the application: here it is JSON text.
export async function speaking(encoding) {
  if (encoding === 'protobuf') {
    const { Centrifuge } = await import('centrifuge/build/protobuf');
    const encoder = new TextEncoder();
    const decoder = new TextDecoder();
    return {
      Centrifuge,
      options: { protocol: 'protobuf' },
      pack: (value) => encoder.encode(JSON.stringify(value)),
      unpack: (bytes) => JSON.parse(decoder.decode(bytes)),
    };
  }
  const { Centrifuge } = await import('centrifuge');
  return { Centrifuge, options: {}, pack: (value) => value, unpack: (value) => value };
}
