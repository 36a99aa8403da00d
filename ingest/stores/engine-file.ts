/** File in the folder of the readings that says where they are when a time-series engine has them: the server writes it, an erasure reads it. */
export const ENGINE_FILE = 'engine.json'
