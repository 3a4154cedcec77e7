
// node:sqlite.
class DatabaseSync {
  constructor() { throw new TypeError("Illegal constructor"); }
}
class StatementSync {
  constructor() { throw new TypeError("Illegal constructor"); }
}
const constants = {};
const number = (prefix, names, from) => { for (const name of names.split(" ")) constants[`SQLITE_${prefix}${name}`] = from++; };
number("CHANGESET_", "OMIT REPLACE ABORT", 0);
number("CHANGESET_", "DATA NOTFOUND CONFLICT CONSTRAINT FOREIGN_KEY", 1);
number("", "OK DENY IGNORE", 0);
number("", "CREATE_INDEX CREATE_TABLE CREATE_TEMP_INDEX CREATE_TEMP_TABLE CREATE_TEMP_TRIGGER CREATE_TEMP_VIEW CREATE_TRIGGER CREATE_VIEW DELETE DROP_INDEX DROP_TABLE " +
  "DROP_TEMP_INDEX DROP_TEMP_TABLE DROP_TEMP_TRIGGER DROP_TEMP_VIEW DROP_TRIGGER DROP_VIEW INSERT PRAGMA READ SELECT TRANSACTION UPDATE ATTACH DETACH ALTER_TABLE REINDEX " +
  "ANALYZE CREATE_VTABLE DROP_VTABLE FUNCTION SAVEPOINT RECURSIVE", 1);
constants.SQLITE_COPY = 0;
return { DatabaseSync, StatementSync, constants, backup() { throw new Error("The backup method is not implemented"); } };
