package durable

import (
	"workerd.local/exception"
	"workerd.local/webapi/bind"
)

// sqlStorage is a SqlStorage, storage.sql. There is no SQL behind it yet: it says why it
// refuses, in workerd's words where workerd refuses too.
type sqlStorage struct{ s *Storage }

var sqlStorageClass = &bind.Class[sqlStorage]{
	Name:    "SqlStorage",
	Getters: map[string]bind.Getter[sqlStorage]{"databaseSize": (*sqlStorage).databaseSize},
	Methods: map[string]bind.Method[sqlStorage]{"exec": (*sqlStorage).exec},
}

var errSQLNotBuilt = exception.Errorf("storage.sql is not implemented by this server yet. storage.kv and the methods of `storage` itself work.")

var errSQLNotEnabled = exception.Errorf("SQL is not enabled for this Durable Object class. To enable it, change " +
	"`new_classes` to `new_sqlite_classes` within the 'migrations' field in " +
	"your wrangler.jsonc or wrangler.toml file. If using workerd directly," +
	"set `enableSql = true` in your workerd config for the class. Note " +
	"that this change cannot be made after the class is " +
	"already deployed to production.")

var errSQLNotSQLite = exception.Errorf("This Durable Object is not backed by SQLite storage, so the SQL API is not available. " +
	"SQL can be enabled on a new Durable Object class by using the `new_sqlite_classes` " +
	"instead of `new_classes` under `[[migrations]]` in your wrangler.toml, but an " +
	"already-deployed class cannot be converted to SQLite (except by deleting the existing " +
	"data).")

// refuse is why SQL cannot be used.
func (q *sqlStorage) refuse(c *bind.Call) error {
	_, err := q.s.a.cache.Get(c.JS())
	switch o := q.s.a.o; {
	case err != nil:
		return err
	case !o.SQLite:
		return errSQLNotSQLite
	case !o.SQL && !o.Experimental:
		return errSQLNotEnabled
	}
	return errSQLNotBuilt
}

func (q *sqlStorage) exec(c *bind.Call) (any, error) {
	var query string
	if err := c.Unpack("query:String", &query); err != nil {
		return nil, err
	}
	return nil, q.refuse(c)
}

func (q *sqlStorage) databaseSize(c *bind.Call) (any, error) { return nil, q.refuse(c) }
