package rotator

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"fastness/test/databases"
)

func mongoStart(t testing.TB) (*databases.Server, *mongo.Client) {
	t.Helper()
	s := databases.FerretDB(t)
	client, err := mongo.Connect(options.Client().SetHosts([]string{s.Addr()}).SetDirect(true).
		SetTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.CA}).
		SetAuth(options.Credential{AuthSource: "admin", Username: s.Admin, Password: s.Password}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Disconnect(context.Background()) })
	return s, client
}

func mongoUser(t testing.TB, s *databases.Server, admin *mongo.Client, database, name string) doc {
	t.Helper()
	password := "First-of-" + name
	err := admin.Database(database).RunCommand(context.Background(), bson.D{
		{Key: "createUser", Value: name}, {Key: "pwd", Value: password}, {Key: "roles", Value: bson.A{}},
	}).Err()
	if err != nil {
		t.Fatal(err)
	}
	return doc{"engine": "mongo", "host": s.Host, "port": s.Port, "dbname": database, "username": name, "password": password}
}

func mongoMaster(s *databases.Server) doc {
	return doc{"engine": "mongo", "host": s.Host, "port": s.Port, "username": s.Admin, "password": s.Password}
}

func TestMongoDB(t *testing.T) {
	server, admin := mongoStart(t)
	registry := registryFor(t, server)
	t.Run("single user", func(t *testing.T) {
		r := lookup(t, registry, "SecretsManagerMongoDBRotationSingleUser")
		s := newSecret(t, r, mongoUser(t, server, admin, "shop", "single"), nil)
		for range 2 {
			old := s.stages.Current
			s.rotate()
			if s.works(old) || !s.works(s.stages.Current) {
				t.Error("the old password works, or the new one does not")
			}
		}
		holdsNone(t, "the server's logs", server.Log(t), s.passwords()...)
	})
	t.Run("alternating users", func(t *testing.T) {
		r := lookup(t, registry, "SecretsManagerMongoDBRotationMultiUser")
		first := mongoUser(t, server, admin, "shop", "app").with(doc{"masterarn": "arn:master"})
		s := newSecret(t, r, first, mongoMaster(server))
		s.rotate()
		if got := parse(t, s.stages.Current)["username"]; got != "app_clone" {
			t.Fatalf("the first rotation made %q", got)
		}
		if !s.works(first.json(t)) {
			t.Error("the original user no longer works")
		}
		clone := s.stages.Current
		s.rotate()
		if !s.works(clone) || s.works(first.json(t)) {
			t.Error("the clone is out, or the original's first password is not")
		}
		s.rotate()
		if s.works(clone) {
			t.Error("the clone's first password still works")
		}
		holdsNone(t, "the server's logs", server.Log(t), s.passwords()...)
	})
	t.Run("an unknown authority", func(t *testing.T) {
		r := lookup(t, New(Config{Hosts: hosts(t, "localhost"), AllowPlaintext: true}), "MongoDBSingleUser")
		s := newSecret(t, r, mongoUser(t, server, admin, "shop", "careful"), nil)
		s.create()
		err := r.Set(context.Background(), s.stages)
		if e, ok := errors.AsType[*Error](err); !ok || e.Reason != Untrusted {
			t.Errorf("%v", err)
		}
	})
	number := 0
	for name, master := range map[string]doc{"MongoDBSingleUser": nil, "MongoDBMultiUser": mongoMaster(server)} {
		t.Run("killed anywhere, "+name, func(t *testing.T) {
			r := lookup(t, registry, name)
			killedEverywhere(t, func() *secret {
				number++
				s := newSecret(t, r, mongoUser(t, server, admin, "shop", fmt.Sprintf("app%d", number)).with(doc{"masterarn": "arn:master"}), master)
				s.create()
				return s
			}, func(s *secret) {
				if !s.works(s.stages.Pending) {
					t.Error("the pending password does not work")
				}
				if alternates := master != nil; s.works(s.stages.Current) != alternates {
					t.Errorf("the current password works: %v", !alternates)
				}
			})
		})
	}
}
