/**
 * Models that misbehave, made by onnx.helper (opset 17, IR 8): one that never ends, one that asks for terabytes. The check refuses
 * both by their operators; here they run all the same, as a model would that found another way.
 */

/** Loop with 2^62 turns, then Softmax over [row, 3]. */
export const LOOP_ONNX = Buffer.from(
  'CAg65wIK1wEKAW0KAWMKCGZlYXR1cmVzEgZsb29wZWQiBExvb3AqtgEKBGJvZHkyqgEKFwoEY19pbhIFY19vdXQiCElkZW50aXR5ChcKBHZfaW4KA29uZRIF' +
    'dl9vdXQiA0FkZBIEYm9keSoPCAEQASIEYEKiDUIDb25lWgsKAWkSBgoECAcSAFoOCgRjX2luEgYKBAgJEgBaFwoEdl9pbhIPCg0IARIJCgMSAW4KAggDYg8K' +
    'BWNfb3V0EgYKBAgJEgBiGAoFdl9vdXQSDwoNCAESCQoDEgFuCgIIA6ABBQotCgZsb29wZWQSDXByb2JhYmlsaXRpZXMiB1NvZnRtYXgqCwoEYXhpcxgBoAEC' +
    'EgFnKhAQBzoJgICAgICAgIBAQgFtKggQCSoBAUIBY1obCghmZWF0dXJlcxIPCg0IARIJCgMSAU4KAggDYiAKDXByb2JhYmlsaXRpZXMSDwoNCAESCQoDEgFO' +
    'CgIIA0IECgAQEQ==',
  'base64',
)

/** Expand to [10^9, row, 3], mean over the first, then Softmax. */
export const EXPAND_ONNX = Buffer.from(
  'CAg63AEKHgoIZmVhdHVyZXMKBXNoYXBlEgNiaWciBkV4cGFuZAo1CgNiaWcSBG1lYW4iClJlZHVjZU1lYW4qCwoEYXhlc0AAoAEHKg8KCGtlZXBkaW1zGACg' +
    'AQIKKwoEbWVhbhINcHJvYmFiaWxpdGllcyIHU29mdG1heCoLCgRheGlzGAGgAQISAWcqFAgDEAc6B4CU69wDAQNCBXNoYXBlWhsKCGZlYXR1cmVzEg8KDQgB' +
    'EgkKAxIBTgoCCANiIAoNcHJvYmFiaWxpdGllcxIPCg0IARIJCgMSAU4KAggDQgQKABAR',
  'base64',
)
