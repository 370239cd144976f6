// A certificate authority of the test's own, a certificate for localhost, and one that somebody else signed.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'ignore'] });

function authority(dir, name) {
  const [key, cert] = [join(dir, `${name}.key`), join(dir, `${name}.pem`)];
  openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', `/CN=${name} of a test`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
  return { key, cert };
}

function leaf(dir, name, ca, host) {
  const [key, request, cert, extensions] = ['key', 'csr', 'pem', 'ext'].map((e) => join(dir, `${name}.${e}`));
  writeFileSync(extensions, `subjectAltName=${host}\nextendedKeyUsage=serverAuth\nbasicConstraints=CA:FALSE\n`);
  openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key, '-out', request, '-subj', '/CN=a test');
  openssl('x509', '-req', '-in', request, '-CA', ca.cert, '-CAkey', ca.key, '-CAcreateserial', '-out', cert, '-days', '2', '-extfile', extensions);
  return { key: readFileSync(key), cert: readFileSync(cert) };
}

// {ca: path, tls, strange: tls nobody trusts, misnamed: tls of another host}
export function makePki(dir) {
  const ca = authority(dir, 'ca');
  const other = authority(dir, 'other');
  return {
    ca: ca.cert,
    tls: leaf(dir, 'localhost', ca, 'DNS:localhost,IP:127.0.0.1'),
    strange: leaf(dir, 'strange', other, 'DNS:localhost,IP:127.0.0.1'),
    misnamed: leaf(dir, 'misnamed', ca, 'DNS:example.org'),
  };
}
