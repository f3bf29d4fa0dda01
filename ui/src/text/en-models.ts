/** Texts of the page of models. Numbers come formatted. */
export const enModels = {
  models: {},
};
