/**
 * Parameters of the city, frozen by their fingerprint (`frozen.json`) before anything was tuned against it. A number is a source of
 * docs/sources.md or engineering judgement (EJ). One figure was brought to a stated target: with `usualCoverage` and `findsAlone` a
 * household that calls meets a first-time fix within 72 to 82 % on development seeds, where the field has a mean of 77 % [K1].
 */

export interface CityParameters {
  readonly household: {
    /** Severity at which a fault is noticed: mean, deviation, and the bounds of it. Mean as in the evaluation of the diagnosis. */
    readonly noticesAt: { readonly mean: number; readonly deviation: number; readonly min: number; readonly max: number }
    /** Mean days from noticing to calling, by safety class of the fault (EJ). */
    readonly callAfterDays: Readonly<Record<string, number>>
    /** Mean days to the next call when a visit did not help (EJ). */
    readonly callAgainAfterDays: number
    /** Calls about an appliance without fault, per unit and quarter: 14 % of visits are unnecessary [K5]. */
    readonly needlessCallsPerQuarter: number
    /** Share of appointments at which nobody is at home (EJ). */
    readonly notAtHomeShare: number
    /** Share of offered times that suit the household (EJ). */
    readonly timeSuitsShare: number
    /** Share of answers to questions that are right (EJ). */
    readonly answersRightShare: number
    /** Share of the households that see or hear what the error code or symptom is (EJ). */
    readonly namesSymptomShare: number
    /** Share of the households that do a remote step when asked, and do it right (EJ). */
    readonly doesRemoteStepShare: number
    /** Hours to an answer when a remote step is offered (EJ). */
    readonly answersAfterHours: number
  }
  readonly complaint: {
    /** Annoyance from each: a day of waiting beyond the second, an hour late, a moved appointment, a further visit, a call nobody answered (EJ). */
    readonly perDay: number
    readonly perHourLate: number
    readonly perMove: number
    readonly perFurtherVisit: number
    readonly perChase: number
    /** Spread of how much one annoys the household, log-normal sigma (EJ). */
    readonly personalitySigma: number
    /** Annoyance at which a household complains: least, and mean beyond it (EJ). */
    readonly atLeast: number
    readonly beyondMean: number
    /** Hours from crossing that to the complaint, mean (EJ). */
    readonly complainsAfterHours: number
    /** Chance a day that a waiting household asks where the engineer stays, for each unit of annoyance (EJ). */
    readonly chasePerDay: number
  }
  readonly engineer: {
    readonly perUnits: number
    readonly outlets: number
    /** Jobs of a day are three to six [L8]. */
    readonly slotsOfDay: readonly number[]
    readonly promisedHours: number
    /** Share of the slots taken by work outside the city (EJ). */
    readonly busyShare: number
    /** Share of the engineers for cooling that may open the refrigerant circuit (EJ). */
    readonly refrigerantShare: number
    /** Days on which an engineer is absent at short notice (EJ). */
    readonly absentShare: number
    /** Minutes behind the slot: mean, deviation; and share and mean of days that go wrong (EJ). */
    readonly delayMinutes: { readonly mean: number; readonly deviation: number; readonly longShare: number; readonly longMean: number }
    readonly travelMinutes: readonly [number, number]
    /** Chance to find the fault at the first look: alone, with a packet that names it, and led astray by one that does not (EJ). */
    readonly findsAlone: number
    readonly findsNamed: number
    readonly findsMisled: number
    /** Severity from which a fault is as easy to find as it gets; below, alone, it is harder (EJ). */
    readonly plainFromSeverity: number
    /** Of visits that found nothing, share in which a part is changed all the same (EJ). */
    readonly guessesShare: number
  }
  readonly van: {
    /** Parts that make up this share of the demand of a type are on every van (usual parts). */
    readonly usualCoverage: number
    /** Share of the times that a usual part is really there (EJ). */
    readonly usualInStock: number
    /** Probability from which a part of the packet is taken along (EJ), and share that the outlet has it. */
    readonly takesFrom: number
    readonly outletHas: number
    /** Days until a part that is not there comes (EJ). */
    readonly partDays: readonly [number, number]
  }
  readonly repair: {
    /** Of repairs: fault code wrong (issue of the field: one in ten), done badly, claimed and not done (EJ). */
    readonly wrongCodeShare: number
    readonly badShare: number
    readonly phantomShare: number
  }
  /** Share of the annoyance that a call before the complaint takes away (EJ). */
  readonly interventionSoothes: number
  /** The peak: usual orders times this, for so many days, with so many times the crew and no work outside the city (EJ). */
  readonly peak: { readonly orders: number; readonly days: number; readonly crew: number }
  /** Severity at which the oracle sends somebody: the fault counts as present. */
  readonly oracleFromSeverity: number
}

export const cityParameters: CityParameters = {
  household: {
    noticesAt: { mean: 0.6, deviation: 0.12, min: 0.3, max: 0.95 },
    callAfterDays: { E0: 0.1, E1: 0.2, E2: 0.5, E3: 2, E4: 4 },
    callAgainAfterDays: 2,
    needlessCallsPerQuarter: 0.04,
    notAtHomeShare: 0.05,
    timeSuitsShare: 0.7,
    answersRightShare: 0.85,
    namesSymptomShare: 0.7,
    doesRemoteStepShare: 0.65,
    answersAfterHours: 5,
  },
  complaint: {
    perDay: 0.25,
    perHourLate: 0.5,
    perMove: 0.7,
    perFurtherVisit: 0.9,
    perChase: 0.4,
    personalitySigma: 0.5,
    atLeast: 1,
    beyondMean: 1.2,
    complainsAfterHours: 6,
    chasePerDay: 0.35,
  },
  engineer: {
    perUnits: 150,
    outlets: 6,
    slotsOfDay: [8.5, 10.25, 13, 14.75, 16.5],
    promisedHours: 2,
    busyShare: 0.7,
    refrigerantShare: 0.75,
    absentShare: 0.015,
    delayMinutes: { mean: 25, deviation: 35, longShare: 0.04, longMean: 150 },
    travelMinutes: [15, 50],
    findsAlone: 0.9,
    findsNamed: 0.98,
    findsMisled: 0.8,
    plainFromSeverity: 0.5,
    guessesShare: 0.4,
  },
  van: { usualCoverage: 0.8, usualInStock: 0.93, takesFrom: 0.15, outletHas: 0.9, partDays: [2, 5] },
  repair: { wrongCodeShare: 0.1, badShare: 0.04, phantomShare: 0.02 },
  interventionSoothes: 0.4,
  peak: { orders: 30, days: 30, crew: 4 },
  oracleFromSeverity: 0.25,
}
