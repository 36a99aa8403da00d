/** What the household can do about a dryer before anybody travels. */
import type { RemoteStep } from '../appliance-type.ts'
import { words } from '../blocks/makers.ts'

export const remoteSteps: readonly RemoteStep[] = [
  {
    id: 'DR-H01',
    action: words(
      'Take both halves of the lint filter out, rinse them, let them dry; wipe the grid behind; photo please',
      '取出两层滤网冲洗晾干，擦拭其后格栅并拍照',
    ),
    minutes: 15,
    wantsPhoto: true,
    remeasure: { feature: 'air_rise_k', recovers: -1, afterMinutes: 120 },
    otherwise: words('The lint sits deeper, in ducts or evaporator: a visit', '绒毛在风道或蒸发器：需上门'),
  },
  {
    id: 'DR-H90',
    action: words(
      'Rinse both halves of the lint filter, empty the tank, leave room behind and at the sides; spin the clothes well, load the drum half and dry once more',
      '冲洗两层滤网并倒空储水盒，背面与两侧留出空隙；衣物充分脱水，半筒装载后再烘一次',
    ),
    minutes: 20,
    wantsPhoto: false,
    remeasure: { isSaid: true, afterMinutes: 20 },
    otherwise: words('It is not as it should be: somebody comes and looks', '仍不正常：安排上门检查'),
  },
]
