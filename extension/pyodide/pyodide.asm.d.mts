/** Emscripten's factory of the module. */
declare const createModule: (settings: unknown) => Promise<unknown>;
export default createModule;
