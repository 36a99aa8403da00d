/**
 * What people write of dangers in their own words, in lower case, by hazard: shared by the types that know the hazard and by the home around every
 * unit. Whole sayings stand as words; what is said in many ways is a thing and a sign of it near each other. A word of a Latin script also stands
 * for what begins with it. A false alarm is the smaller harm, but what households say every day of a sound danger-free fault is left out
 * ("the burner does not light", "进水慢", "打火").
 */
import type { DangerWords } from '../intake.ts'

export const GAS_WORDS: DangerWords = {
  words: ['smell gas', 'smell of gas', 'gas smell', 'gas leak', 'leaking gas', 'smells like gas', '漏燃气', '漏煤气'],
  near: {
    things: ['gas', 'lpg', 'propane', 'butane', '燃气', '煤气', '天然气', '液化气', '瓦斯'],
    signs: [
      ...['smell', 'smelt', 'odour', 'odor', 'stink', 'stank', 'reek', 'leak', 'escap', 'hiss', 'full of', 'coming out', 'comes out'],
      ...['味', '气味', '闻', '漏', '泄', '跑气', '冒出'],
    ],
  },
}

export const FUMES_WORDS: DangerWords = {
  words: [
    ...['headache', 'dizz', 'carbon monoxide', 'co alarm', 'co detector', 'co sensor', 'fumes', 'exhaust smell', 'smell of exhaust'],
    ...['fainted', 'fainting', 'unconscious', 'passed out', 'nausea', 'nauseous', 'vomit', 'feel sick', 'feels sick', 'feeling sick'],
    ...['头晕', '头昏', '头痛', '头疼', '一氧化碳', '煤气中毒', '废气', 'co报警', 'co 报警', '恶心', '呕吐', '晕倒', '昏倒', '昏迷'],
  ],
}

export const BURNING_WORDS: DangerWords = {
  words: [
    ...['smoke', 'smoking', 'flames', 'spark', 'burning', 'burnt', 'burned', 'scorch', 'on fire', 'caught fire', 'catching fire', 'catches fire'],
    ...['a fire', 'the fire', 'is fire', 'explod', 'explosion', 'melting', 'melted', 'glowing', 'electric shock', 'electrocut'],
    ...['a shock', 'electric jolt', 'electrical jolt', 'shocked me', 'got shocked', 'gets shocked', 'gave me shocks'],
    ...['焦味', '焦糊', '糊味', '烧焦', '烧糊', '冒烟', '浓烟', '有烟', '烟冒', '起火', '着火', '失火', '烧起来', '烧着', '火花', '火星'],
    ...['触电', '漏电', '带电', '被电', '电到', '麻手', '爆炸', '烧了的味', '烧东西的味'],
  ],
}

export const WATER_WORDS: DangerWords = {
  words: [
    ...['flood', 'puddle', 'floor is wet', 'wet floor', 'under water', 'overflow'],
    ...['漏水', '水漫', '满地水', '满地是水', '地上都是水', '水淹', '跑水', '渗水', '往外流水', '一地水', '水流了一地', '流水到楼下'],
  ],
  near: {
    things: ['water', '水'],
    signs: ['floor', 'leak', 'pour', 'everywhere', 'all over', 'ceiling', 'neighbour', 'neighbor', '地上', '满地', '一地', '楼下'],
  },
}
