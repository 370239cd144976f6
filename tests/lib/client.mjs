// Everything a test needs to speak to the service, under one name.
export * from './wait.mjs';
export * from './jwt.mjs';
export * from './http.mjs';
export * from './sse.mjs';
export * from './reader.mjs';
export * from './history.mjs';
