/**
 * Service terms that ship, by type. All figures are chosen (engineering judgement) so that a price range can be shown at all; an organisation
 * replaces them by its own at `/api/v1/service-terms`. Prices of parts are in fen, each from the cheapest to the dearest model.
 */
import type { ServiceTerms } from '#kernel/service-terms.ts'

type Prices = Readonly<Record<string, readonly [minYuan: number, maxYuan: number, warrantyMonths?: number]>>

const COMMON: Prices = { 'P-COM-001': [20, 60], 'P-COM-002': [30, 120], 'P-COM-003': [80, 260] }

const terms = (
  prices: Prices,
  given: { readonly replacementYuan: number; readonly lifeYears: number; readonly warrantyMonths: number },
): ServiceTerms => ({
  currency: 'CNY',
  labour_minor_per_hour: 12_000,
  travel_minor: 5_000,
  parts: Object.entries({ ...prices, ...COMMON }).map(([part, [min, max, warrantyMonths]]) => ({
    part,
    min_minor: min * 100,
    max_minor: max * 100,
    ...(warrantyMonths === undefined ? {} : { warranty_months: warrantyMonths }),
  })),
  other_part: { min_minor: 3_000, max_minor: 50_000 },
  parts_warranty_months: given.warrantyMonths,
  labour_warranty_months: 12,
  repair_warranty_days: 30,
  replacement_minor: given.replacementYuan * 100,
  life_years: given.lifeYears,
})

/** By `ApplianceType.id`. */
export const serviceTerms: Readonly<Record<string, ServiceTerms>> = {
  air_conditioner: terms(
    {
      ...{
        'P-AC-001': [40, 120],
        'P-AC-002': [150, 450],
        'P-AC-003': [500, 1_200],
        'P-AC-010': [80, 200],
        'P-AC-020': [20, 60],
        'P-AC-030': [30, 90],
      },
      ...{
        'P-AC-031': [200, 500],
        'P-AC-040': [180, 450],
        'P-AC-041': [30, 80],
        'P-AC-050': [200, 480],
        'P-AC-051': [700, 1_800, 72],
        'P-AC-060': [30, 90],
      },
      ...{ 'P-AC-070': [150, 380], 'P-AC-071': [20, 60] },
    },
    { replacementYuan: 3_200, lifeYears: 12, warrantyMonths: 36 },
  ),
  fridge: terms(
    {
      ...{
        'P-FR-001': [150, 350],
        'P-FR-002': [300, 700],
        'P-FR-010': [60, 160],
        'P-FR-011': [30, 90],
        'P-FR-020': [80, 220],
        'P-FR-030': [80, 200],
      },
      ...{ 'P-FR-040': [80, 220], 'P-FR-050': [90, 240], 'P-FR-060': [20, 70], 'P-FR-061': [250, 600], 'P-FR-070': [20, 60] },
    },
    { replacementYuan: 3_500, lifeYears: 13, warrantyMonths: 36 },
  ),
  washing_machine: terms(
    {
      ...{ 'P-WM-001': [20, 60], 'P-WM-010': [70, 180], 'P-WM-020': [120, 320], 'P-WM-030': [40, 120], 'P-WM-040': [60, 160], 'P-WM-041': [20, 60] },
      ...{ 'P-WM-050': [80, 220], 'P-WM-060': [50, 140], 'P-WM-070': [40, 120], 'P-WM-071': [90, 260] },
    },
    { replacementYuan: 2_400, lifeYears: 10, warrantyMonths: 36 },
  ),
  gas_water_heater: terms(
    {
      ...{ 'P-GW-001': [15, 50], 'P-GW-002': [60, 160], 'P-GW-010': [15, 50], 'P-GW-020': [80, 260], 'P-GW-030': [40, 100], 'P-GW-031': [350, 900] },
      ...{
        'P-GW-040': [200, 480],
        'P-GW-050': [150, 380],
        'P-GW-060': [50, 140],
        'P-GW-070': [150, 380],
        'P-GW-071': [10, 40],
        'P-GW-080': [30, 80],
      },
    },
    { replacementYuan: 2_200, lifeYears: 8, warrantyMonths: 36 },
  ),
  heat_pump_dryer: terms(
    { 'P-DR-001': [30, 90], 'P-DR-010': [90, 220], 'P-DR-020': [200, 450] },
    { replacementYuan: 4_500, lifeYears: 10, warrantyMonths: 36 },
  ),
}
