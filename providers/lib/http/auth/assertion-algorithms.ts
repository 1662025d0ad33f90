/** How an assertion may be signed. Apart from what signs, so that a declaration does not load it. */
export const ASSERTION_ALGORITHMS = ["RS256", "PS256", "ES256"] as const;
export type AssertionAlgorithm = (typeof ASSERTION_ALGORITHMS)[number];
