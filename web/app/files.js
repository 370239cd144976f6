// Files: what is chosen goes up at once, with its progress shown, and leaves with the next message; and how a message shows its files.
import { $ as byId, element, icon, say, setText } from './dom.js';
import { RoomError } from '../room/http.js';
import { words } from './words.js';

const MOST = 10;
const GOOD_MS = 50 * 60_000; // the server keeps what is not sent for an hour
const PICTURES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp']);

const units = ['B', 'KB', 'MB', 'GB'];
export function sizeText(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value >= 10 || unit === 0 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

export const isPicture = (file) => PICTURES.has(file.type);

const failureOf = (error) => words.files.failures[error.code] ?? (error.status >= 400 && error.status < 500 && error.message ? error.message : words.files.failures.other);

/** One upload, by XMLHttpRequest: fetch tells nothing of how far it is. */
function upload(door, file, progress, signal) {
  if (file.size === 0) return Promise.reject(new RoomError({ status: 400, code: 'EMPTY' }));
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', door.url('/files', { name: file.name, as: door.ticket ? null : door.as }));
    if (door.ticket) request.setRequestHeader('Authorization', `Bearer ${door.ticket}`);
    request.setRequestHeader('Accept', 'application/json');
    // Beside a cookie, text is a type that any page could send without being asked: there the bytes speak for themselves.
    request.setRequestHeader('Content-Type', file.type && (door.ticket || !file.type.startsWith('text/')) ? file.type : 'application/octet-stream');
    request.withCredentials = door.foreign;
    request.upload.onprogress = (event) => progress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      let json = null;
      try {
        json = JSON.parse(request.responseText);
      } catch {
        // Judged by the status.
      }
      if (request.status === 201 && json?.id) resolve(json);
      else reject(new RoomError({ status: request.status, code: json?.error?.code ?? `HTTP_${request.status}`, message: json?.error?.message }));
    };
    request.onerror = () => reject(new RoomError({}));
    request.onabort = () => reject(new RoomError({ code: 'ABORTED' }));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    request.send(file);
  });
}

/** What will go with the next message. It outlives its place on the page: `leave` it, and `enter` another of the same conversation. */
export class Attachments {
  #door;
  #changed = () => {};
  #list = null;
  #hint;
  #attach;
  #listening = null;
  #items = []; // {name, size, state: 'up'|'done'|'failed', share, file, made, madeAt, error, abort, bar, told}

  /** @param {import('../room/http.js').Door} door  of the conversation */
  constructor(door) {
    this.#door = door;
  }

  /** The elements are there to show it; `changed`: what is ready to go has changed. What was up for long and never sent goes up again: the server may have dropped it. */
  enter(changed, { prefix = '' } = {}) {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    this.#changed = changed;
    this.#list = byId(`${prefix}files`);
    this.#hint = byId(`${prefix}hint`);
    this.#attach = byId(`${prefix}attach`);
    const pick = byId(`${prefix}pick`);
    const text = byId(`${prefix}text`);
    this.#attach.addEventListener('click', () => pick.click(), { signal });
    pick.addEventListener('change', () => {
      this.add([...pick.files]);
      pick.value = '';
      text.focus({ preventScroll: true });
    }, { signal });
    text.addEventListener('paste', (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      this.add(files);
    }, { signal });
    addEventListener('online', () => this.#again(), { signal });
    for (const one of this.#items) if (one.state === 'done' && one.file && Date.now() - one.madeAt > GOOD_MS) this.#start(one);
    this.#again();
    this.#draw();
  }

  /** What goes up goes on. */
  leave(changed = () => {}) {
    this.#listening.abort();
    this.#changed = changed;
    this.#list.replaceChildren();
    this.#list = null;
  }

  get names() {
    return this.#items.map((one) => one.name);
  }

  enable(can) {
    this.#attach.disabled = !can;
  }

  /** Why the message has to wait for its files, in words; or false. */
  get busy() {
    if (this.#items.some((one) => one.state === 'up')) return words.files.busy;
    return this.#items.some((one) => one.state === 'failed') && words.files.stuck;
  }

  /** What goes into a message: the files that are up, or null. */
  get ready() {
    const made = this.#items.filter((one) => one.state === 'done').map((one) => one.made);
    return made.length > 0 && !this.busy ? { type: 'file', files: made } : null;
  }

  add(files) {
    if (this.#attach.disabled) return;
    const room = MOST - this.#items.length;
    for (const file of files.slice(0, room)) this.#start({ name: file.name, size: file.size, file });
    this.#changed();
    if (files.length <= room) return;
    setText(this.#hint, words.files.many(MOST));
    say(words.files.many(MOST));
  }

  /** Those of a message that was given up come back. @param {object[]} files  as `ready` gave them */
  restore(files) {
    for (const made of files.slice(0, MOST - this.#items.length)) this.#items.push({ name: made.name, size: made.size, state: 'done', share: 1, made, madeAt: Date.now() });
    this.#draw();
    this.#changed();
  }

  /** They went: the list is empty, the files are the message's. */
  taken() {
    this.#items = this.#items.filter((one) => one.state !== 'done');
    this.#draw();
  }

  /** Gives everything up; the end of it. */
  clear() {
    this.#listening?.abort();
    this.#changed = () => {};
    for (const one of this.#items) this.#drop(one);
    this.#items = [];
    this.#draw();
  }

  async #start(item) {
    if (!this.#items.includes(item)) this.#items.push(item);
    Object.assign(item, { state: 'up', share: 0, error: null, abort: new AbortController() });
    this.#draw();
    try {
      item.made = await upload(this.#door, item.file, (share) => {
        item.share = share;
        this.#progress(item);
      }, item.abort.signal);
      item.state = 'done';
      item.madeAt = Date.now();
    } catch (error) {
      item.state = 'failed';
      item.error = error;
      if (error.code !== 'ABORTED') say(`${item.name}: ${failureOf(error)}`);
    }
    this.#draw();
    this.#changed();
  }

  /** The network is back: what it broke is tried again. */
  #again() {
    for (const one of this.#items) if (one.state === 'failed' && one.error.passing && one.file) this.#start(one);
  }

  #remove(item) {
    this.#items = this.#items.filter((one) => one !== item);
    this.#drop(item);
    this.#draw();
    this.#changed();
  }

  #drop(item) {
    if (item.state === 'up') item.abort.abort();
    // Nobody will ever ask for it: no need to keep it until it is swept.
    if (item.made) this.#door.call('DELETE', `/files/${item.made.id}`, { body: {} }).catch(() => {});
  }

  #draw() {
    this.#list?.replaceChildren(...this.#items.map((item) => {
      item.bar = element('progress', { max: '1', value: String(item.share), 'aria-label': item.name });
      item.told = element('span', { class: 'told' }, this.#told(item));
      return element('li', { class: `upload ${item.state}` },
        icon('file'),
        element('span', { class: 'what' }, element('b', { dir: 'auto' }, item.name), item.told, item.state === 'up' && item.bar),
        item.state === 'failed' && item.file && item.error.passing && element('button', { type: 'button', class: 'round', 'aria-label': words.files.again(item.name), title: words.files.again(item.name), onclick: () => this.#start(item) }, icon('again')),
        element('button', { type: 'button', class: 'round', 'aria-label': words.files.cancel(item.name), title: words.files.cancel(item.name), onclick: () => this.#remove(item) }, icon('close')));
    }));
  }

  #told(item) {
    if (item.state === 'failed') return failureOf(item.error);
    return item.state === 'done' ? `${sizeText(item.size)}` : `${sizeText(item.size)}, ${words.files.uploading(Math.round(item.share * 100))}`;
  }

  #progress(item) {
    if (!item.bar) return;
    item.bar.value = item.share;
    setText(item.told, this.#told(item));
  }
}

/** A file to save, where the browser keeps no cookies and so cannot ask for it by itself. */
export async function save(door, file) {
  const reply = await door.fetch(door.url(`/files/${file.id}`), { headers: { Authorization: `Bearer ${door.ticket}` }, credentials: 'omit', cache: 'no-store', referrerPolicy: 'no-referrer' });
  if (!reply.ok) throw new RoomError({ status: reply.status, code: `HTTP_${reply.status}` });
  const url = URL.createObjectURL(await reply.blob());
  element('a', { href: url, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A picture over the whole page, in the dialog `viewer`. */
export function view(file, url) {
  setText(byId('viewer-name'), file.name);
  byId('viewer-picture').src = url;
  byId('viewer-picture').alt = words.files.picture(file.name);
  byId('viewer-load').href = url;
  byId('viewer-load').download = file.name;
  byId('viewer').showModal();
}

/** Files that are let go over `stage` are added to the attachments. */
export function dropZone(stage, attachments, { signal } = {}) {
  stage.addEventListener('dragover', (event) => {
    if (![...event.dataTransfer.types].includes('Files')) return;
    event.preventDefault();
    stage.classList.add('dropping');
  }, { signal });
  stage.addEventListener('dragleave', (event) => {
    if (!stage.contains(event.relatedTarget)) stage.classList.remove('dropping');
  }, { signal });
  stage.addEventListener('drop', (event) => {
    event.preventDefault();
    stage.classList.remove('dropping');
    attachments.add([...event.dataTransfer.files]);
  }, { signal });
}

/** The files of a message: pictures in place, everything else by name. @param {(id: string) => string|null} url  null: only `save` gets it */
export function filesShown(files, url) {
  if (files.length === 0) return [];
  return [element('div', { class: `attached${files.every(isPicture) ? ' pictures' : ''}` }, ...files.map((file) => {
    const what = element('span', { class: 'what' }, element('b', { dir: 'auto' }, file.name), element('span', {}, sizeText(file.size)));
    if (!url(file.id)) return element('button', { type: 'button', class: 'file', 'data-act': 'save', 'data-file': file.id, tabindex: '-1', 'aria-label': words.files.save(file.name) }, icon('file'), what);
    if (isPicture(file)) {
      const picture = element('img', { src: url(file.id), alt: words.files.picture(file.name), loading: 'lazy', width: file.width, height: file.height });
      return element('button', { type: 'button', class: 'picture', 'data-act': 'picture', 'data-file': file.id, tabindex: '-1', title: file.name }, picture);
    }
    return element('a', { class: 'file', href: url(file.id), download: file.name, tabindex: '-1', 'aria-label': words.files.file(file.name, sizeText(file.size)) },
      icon('file'), what);
  }))];
}

/** Files in a session: what its page gives to the composer and to the message list. Made once the elements are there. */
export class SessionFiles {
  #room;

  /** @param {import('../room.js').Room} room  @param {() => void} changed  what is ready to go has changed */
  constructor(room, changed, { signal } = {}) {
    this.#room = room;
    this.attachments = new Attachments(room.door);
    this.attachments.enter(changed);
    dropZone(byId('log'), this.attachments, { signal });
    const viewer = byId('viewer');
    byId('viewer-close').addEventListener('click', () => viewer.close(), { signal });
    viewer.addEventListener('click', (event) => {
      if (event.target === viewer) viewer.close();
    }, { signal });
    viewer.addEventListener('close', () => byId('viewer-picture')?.removeAttribute('src'), { signal });
  }

  get composer() {
    return {
      more: () => this.attachments.ready,
      busy: () => this.attachments.busy,
      taken: () => this.attachments.taken(),
    };
  }

  get log() {
    const find = (message, button) => message?.files?.find((one) => one.id === button.dataset.file);
    return {
      extra: (message) => (message.files?.length && !message.deletedAt ? { files: message.files, label: message.files.map((one) => one.name).join(', ') } : null),
      body: (row) => filesShown(row.extra?.files ?? [], (id) => this.#url(id)),
      picture: (message, button) => {
        const file = find(message, button);
        if (file) view(file, this.#url(file.id));
      },
      save: (message, button) => {
        const file = find(message, button);
        if (file) save(this.#room.door, file).catch((error) => say(`${file.name}: ${failureOf(error)}`));
      },
    };
  }

  /** Nothing of it stays on the page. */
  stop() {
    this.attachments.clear();
    if (byId('viewer')?.open) byId('viewer').close();
  }

  #url(id) {
    return this.#room.address.as ? this.#room.door.url(`/files/${id}`, { as: this.#room.address.as }) : null;
  }
}
