/**
 * The hazards that a home can be in, whatever tells of them: two signs of one hazard in one home are one emergency. Fire and electric shock are
 * one, since people tell of them in the same words and do the same about them.
 */
export const HAZARDS = ['gas', 'carbon_monoxide', 'fire_or_shock', 'water', 'scald'] as const
export type Hazard = (typeof HAZARDS)[number]
