
return Object.freeze({ __proto__: null });
