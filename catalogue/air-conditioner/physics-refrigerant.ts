/**
 * Properties of R32 on the saturation line as polynomials in T/50 °C, and of moist air. The fits are our own least squares over
 * -30 to 50 °C of a published table of saturated R32 [R1, docs/sources.md] and our own extrapolation to 65 °C (critical point 78.1 °C);
 * largest deviation inside the table: 0.03 % of pressure, 0.5 % of vapour density, 0.5 kJ/kg. Units: °C, kPa, kg/m3, kJ/kg.
 */

/** Saturation pressure in kPa. */
export function pressureKpa(temperatureC: number): number {
  const x = temperatureC / 50
  return Math.exp(6.701955 + x * (1.602656 + x * (-0.3136814 + x * (0.0671155 - x * 0.00600505))))
}

/** Density of the saturated liquid in kg/m3. */
export function liquidDensity(temperatureC: number): number {
  const x = temperatureC / 50
  return 1054.047 + x * (-172.9822 + x * (-19.24595 + x * (0.8130122 - x * 23.07112)))
}

/** Density of the saturated vapour in kg/m3. */
export function vapourDensity(temperatureC: number): number {
  const x = temperatureC / 50
  return Math.exp(3.09257 + x * (1.616291 + x * (-0.2426101 + x * (0.0546909 + x * 0.06500512))))
}

/** Enthalpy of the saturated liquid in kJ/kg (200 at 0 °C). */
export function liquidEnthalpy(temperatureC: number): number {
  const x = temperatureC / 50
  return 200.125 + x * (88.7377 + x * (6.437212 + x * (-2.356122 + x * 4.35072)))
}

/** Enthalpy of the saturated vapour in kJ/kg. */
export function vapourEnthalpy(temperatureC: number): number {
  const x = temperatureC / 50
  return 517.0393 + x * (8.190244 + x * (-9.20582 + x * (-0.1216695 - x * 7.503419)))
}

/**
 * Mean void fraction between two qualities at uniform heat flux, with the slip of Zivi (1964):
 * the integral of x / (x + c (1 - x)) with c = (vapour density / liquid density)^(2/3).
 */
export function meanVoidFraction(fromQuality: number, toQuality: number, densityRatio: number): number {
  const c = Math.cbrt(densityRatio * densityRatio)
  const span = toQuality - fromQuality
  if (span < 1e-4) return fromQuality / (fromQuality + c * (1 - fromQuality))
  const d = 1 - c
  return (span / d - (c / (d * d)) * Math.log((d * toQuality + c) / (d * fromQuality + c))) / span
}

/** Humidity of saturated air in g/kg dry air at sea level; cubic through the psychrometric table, within 2 % over 0 to 30 °C. */
export function saturationHumidityGKg(temperatureC: number): number {
  const t = Math.max(temperatureC, -5)
  return 3.79 + t * (0.2757 + t * (0.00822 + t * 0.00026))
}
