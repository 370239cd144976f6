// Pictures, sounds and films for tests: real ones (8 × 4, red and blue), with everything in them that must not be handed on.
import { crc32, deflateSync } from 'node:zlib';

const base = {
  jpeg: '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERXRTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/2wBDARESEhgVGC8aGi9jQjhCY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2P/wAARCAAEAAgDASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAAAAb/xAAYEAEAAwEAAAAAAAAAAAAAAAAABEOBwf/EABUBAQEAAAAAAAAAAAAAAAAAAAQG/8QAGhEAAAcAAAAAAAAAAAAAAAAAAAECBTSBsf/aAAwDAQACEQMRAD8AmZ9e8AVDPCRemEOstdYQ/9k=',
  vp8: 'EAIAnQEqCAAEAALATCWoAnRyAKv/3AAFwAD+8jv8MH+3/aw/a/xTuIv//Wh/nf4p3EX/PQ/8Gv28pSNzf3D9vKUa4AA=',
  gif: 'R0lGODlhCAAEAIAAAP8AAAAA/yH5BAAKAAAALAAAAAAIAAQAAAIGhI+py+1cADs=',
};
const crc = crc32 ?? ((bytes) => { let c = ~0; for (const b of bytes) { c ^= b; for (let k = 0; k < 8; k++) c = (c >>> 1) ^ (c & 1 ? 0xedb88320 : 0); } return ~c >>> 0; });
const be16 = (n) => Buffer.from([n >> 8, n & 255]);
const be32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32BE(n >>> 0); return b; };
const le32 = (n) => { const b = Buffer.alloc(4); b.writeUInt32LE(n >>> 0); return b; };

// Exif (TIFF) with orientation, a camera's name, and a place: GPS directory with latitude and a text that can be searched for.
export function exif({ orientation = 1, canary = 'GPSCANARY' } = {}) {
  const text = Buffer.from(`${canary}\0`);
  const entries = [[0x010f, 2, text.length], [0x0112, 3, 1], [0x8825, 4, 1]];
  const ifd0 = 8;
  const data = ifd0 + 2 + entries.length * 12 + 4;
  const gps = data + text.length;
  const parts = [Buffer.from('MM\0*'), be32(ifd0), be16(entries.length)];
  for (const [tag, type, count] of entries) {
    const value = tag === 0x010f ? be32(data) : tag === 0x0112 ? Buffer.concat([be16(orientation), be16(0)]) : be32(gps);
    parts.push(be16(tag), be16(type), be32(count), value);
  }
  parts.push(be32(0), text, be16(2), be16(1), be16(2), be32(2), Buffer.from('N\0\0\0'), be16(2), be16(5), be32(3), be32(gps + 2 + 24 + 4), be32(0));
  parts.push(be32(52), be32(1), be32(31), be32(1), be32(12), be32(1), Buffer.from(canary));
  return Buffer.concat(parts);
}

const segment = (marker, body) => Buffer.concat([Buffer.from([0xff, marker]), be16(body.length + 2), body]);

export const bareJpeg = () => Buffer.from(base.jpeg, 'base64');
// JFIF, Exif with GPS, XMP, Photoshop's IPTC, a comment, an unknown application segment; and another picture behind the end.
export function jpeg({ orientation = 1, canary = 'GPSCANARY', trailer = true } = {}) {
  const bare = bareJpeg();
  const at = 2 + 2 + bare.readUInt16BE(4);
  return Buffer.concat([
    bare.subarray(0, at),
    segment(0xe1, Buffer.concat([Buffer.from('Exif\0\0'), exif({ orientation, canary })])),
    segment(0xe1, Buffer.from(`http://ns.adobe.com/xap/1.0/\0<x:xmpmeta exif:GPSLatitude="${canary}"/>`)),
    segment(0xed, Buffer.from(`Photoshop 3.0\0${canary}`)),
    segment(0xe9, Buffer.from(canary)),
    segment(0xfe, Buffer.from(`taken at ${canary}`)),
    segment(0xf5, Buffer.from(canary)), // nobody's
    bare.subarray(at),
    ...(trailer ? [Buffer.from(`${canary}<script>alert(1)</script>`)] : []),
  ]);
}

export const pngChunk = (name, body) => { const named = Buffer.concat([Buffer.from(name), body]); return Buffer.concat([be32(body.length), named, be32(crc(named))]); };
const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1');
export function png({ orientation = 1, canary = 'GPSCANARY', meta = true, width = 8, height = 4 } = {}) {
  const rows = Buffer.concat(Array.from({ length: height }, () => Buffer.from([0, ...Array.from({ length: width }, (_, x) => (x < width / 2 ? [255, 0, 0] : [0, 0, 255])).flat()])));
  const head = Buffer.concat([be32(width), be32(height), Buffer.from([8, 2, 0, 0, 0])]);
  return Buffer.concat([
    signature, pngChunk('IHDR', head),
    ...(meta ? [pngChunk('tEXt', Buffer.from(`Comment\0${canary}`)), pngChunk('zTXt', Buffer.concat([Buffer.from('Raw profile\0\0'), deflateSync(Buffer.from(canary))])),
      pngChunk('iTXt', Buffer.from(`XML:com.adobe.xmp\0\0\0\0\0${canary}`)), pngChunk('eXIf', exif({ orientation, canary })), pngChunk('tIME', Buffer.from([7, 231, 1, 2, 3, 4, 5])), pngChunk('gAMA', be32(45455))] : []),
    pngChunk('IDAT', deflateSync(rows)),
    ...(meta ? [pngChunk('tEXt', Buffer.from(`After\0${canary}`))] : []),
    pngChunk('IEND', Buffer.alloc(0)),
    ...(meta ? [Buffer.from(canary)] : []),
  ]);
}

const riff = (name, body) => Buffer.concat([Buffer.from(name), le32(body.length), body, Buffer.alloc(body.length & 1)]);
export function webp({ orientation = 1, canary = 'GPSCANARY' } = {}) {
  const x = Buffer.concat([Buffer.from([0x0c, 0, 0, 0]), Buffer.from([7, 0, 0, 3, 0, 0])]);
  const body = Buffer.concat([Buffer.from('WEBP'), riff('VP8X', x), riff('VP8 ', Buffer.from(base.vp8, 'base64')), riff('EXIF', exif({ orientation, canary })), riff('XMP ', Buffer.from(`<xmp>${canary}</xmp>`)), riff('ODD ', Buffer.from(canary))]);
  return Buffer.concat([riff('RIFF', body), Buffer.from(canary)]);
}

const block = (text) => Buffer.concat([Buffer.from([text.length]), Buffer.from(text), Buffer.from([0])]);
export function gif({ canary = 'GPSCANARY' } = {}) {
  const bare = Buffer.from(base.gif, 'base64');
  const head = 13 + 6;
  return Buffer.concat([
    bare.subarray(0, head),
    Buffer.from([0x21, 0xff, 11]), Buffer.from('NETSCAPE2.0'), Buffer.from([3, 1, 0, 0, 0]),
    Buffer.from([0x21, 0xfe]), block(canary),
    Buffer.from([0x21, 0xff, 11]), Buffer.from('XMP DataXMP'), block(canary),
    bare.subarray(head), Buffer.from(canary),
  ]);
}

const box = (name, ...bodies) => { const body = Buffer.concat(bodies); return Buffer.concat([be32(body.length + 8), Buffer.from(name, 'latin1'), body]); };
export function mp4({ canary = 'GPSCANARY', brand = 'isom', width = 320, height = 240, early = false } = {}) {
  const time = be32(0xdeadbeef);
  const header = (n) => Buffer.concat([be32(0), time, time, Buffer.alloc(n)]);
  const tkhd = Buffer.concat([header(64), be32(width << 16), be32(height << 16)]);
  // Where it was, second by second, as action cameras write it: a track whose samples lie among the others'.
  const samples = [`${canary} at one`, 'sound', `${canary} at two and ${canary} at three`, ' and picture'].map((text) => Buffer.from(text));
  const hdlr = (kind, name) => box('hdlr', be32(0), be32(0), Buffer.from(kind), Buffer.alloc(12), Buffer.from(`${name}\0`));
  const sizes = [samples[0].length, samples[2].length - 20, 20];
  const places = (at) => box('minf', box('stbl', box('stsd', be32(0), be32(0)), box('stsz', be32(0), be32(0), be32(3), ...sizes.map(be32)),
    box('stsc', be32(0), be32(2), be32(1), be32(1), be32(1), be32(2), be32(2), be32(1)), box('stco', be32(0), be32(2), be32(at), be32(at + samples[0].length + samples[1].length))));
  const ftyp = box('ftyp', Buffer.from(brand), be32(0), Buffer.from('mp41'));
  const moov = (at) => box('moov', box('mvhd', header(88)), box('trak', box('tkhd', tkhd), box('mdia', box('mdhd', header(12)), hdlr('vide', 'pictures')), box('udta', Buffer.from(canary))),
    box('trak', box('tkhd', header(72)), box('mdia', box('mdhd', header(12)), hdlr('meta', `${canary} places`), places(at))),
    box('udta', box('\xa9xyz', Buffer.from(`+47.0/+${canary}/`))), box('meta', be32(0), Buffer.from(canary)), box('gps ', Buffer.from(canary)));
  const more = [box('uuid', Buffer.from(`0123456789abcdef${canary}`)), box('free', Buffer.from(canary)), box('sefd', Buffer.from(canary))]; // and what some makers hang in and on
  const mdat = box('mdat', ...samples);
  if (early) return Buffer.concat([ftyp, mdat, moov(ftyp.length + 8), ...more]);
  const before = Buffer.concat([ftyp, moov(0), ...more]).length;
  return Buffer.concat([ftyp, moov(before + 8), ...more, mdat]);
}

export function wav() {
  const data = Buffer.alloc(80, 7);
  const fmt = Buffer.from([1, 0, 1, 0, 0x40, 0x1f, 0, 0, 0x40, 0x1f, 0, 0, 1, 0, 8, 0]);
  return riff('RIFF', Buffer.concat([Buffer.from('WAVE'), riff('fmt ', fmt), riff('data', data)]));
}
export const webm = () => Buffer.concat([Buffer.from('1a45dfa39f4286810142f7810142f2810442f381084282847765626d', 'hex'), Buffer.alloc(200, 1)]);
export const ogg = () => Buffer.concat([Buffer.from('OggS\0\x02'), Buffer.alloc(60, 1)]);
export const mp3 = () => Buffer.concat([Buffer.from('ID3\x04\0\0\0\0\0\0'), Buffer.alloc(500, 3)]);
export const pdf = () => Buffer.from('%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n');

// The Exif orientation that a picture of ours still tells; 1 when none.
export function orientationOf(bytes) {
  const at = bytes.indexOf(Buffer.from('MM\0*'));
  return at < 0 ? 1 : bytes.readUInt16BE(at + 18);
}
