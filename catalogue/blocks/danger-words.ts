/** What people write of dangers in their own words, in lower case, by hazard: shared by the types that know the hazard and by the home around every unit. */

export const GAS_WORDS: readonly string[] = [
  ...['smell gas', 'smell of gas', 'smells of gas', 'smelling gas', 'smells like gas', 'gas smell', 'gas leak', 'leaking gas', 'gas is leaking'],
  ...['燃气味', '煤气味', '天然气味', '瓦斯味', '燃气泄漏', '煤气泄漏', '天然气泄漏', '燃气漏', '煤气漏', '漏燃气', '漏煤气'],
]

export const FUMES_WORDS: readonly string[] = [
  ...['headache', 'dizzy', 'dizziness', 'carbon monoxide', 'co alarm', 'fumes'],
  ...['头晕', '头痛', '头疼', '一氧化碳', '煤气中毒', '废气'],
]

export const BURNING_WORDS: readonly string[] = [
  ...[
    'burning smell',
    'smell of burning',
    'smells burnt',
    'smells burned',
    'smells of burning',
    'smell burning',
    'smoke',
    'on fire',
    'flames',
    'sparks',
  ],
  ...['electric shock', '焦味', '焦糊', '糊味', '烧焦', '冒烟', '起火', '着火', '失火', '火花', '触电', '漏电'],
]

export const WATER_WORDS: readonly string[] = [
  ...['flood', 'water on the floor', 'water everywhere', 'water over the floor', 'water all over'],
  ...['漏水', '水漫', '满地水', '满地是水', '地上都是水'],
]
