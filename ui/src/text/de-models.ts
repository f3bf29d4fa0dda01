/** Texts of the page of models. Numbers come formatted. */
export const deModels = {
  models: {},
};
