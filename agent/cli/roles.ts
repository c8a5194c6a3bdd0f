/** The options that say which column is what. */
export const roleOptions = {
  score: { type: "string" },
  prediction: { type: "string" },
  actual: { type: "string" },
  timestamp: { type: "string" },
} as const;

export const rolesHelp =
  "--score COL       the model's score: the probability of the positive class, or the number it predicts; of a classifier with\n                  several classes a column for each, such as cat=p_cat,dog=p_dog\n--prediction COL  what the model decided     --actual COL  what came true     --timestamp COL  when";
