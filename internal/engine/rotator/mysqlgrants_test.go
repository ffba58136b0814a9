package rotator

import (
	"strings"
	"testing"
)

func TestRetarget(t *testing.T) {
	from, to := account{user: "app", host: "%"}, account{user: "app_clone", host: "%"}
	for _, c := range []struct{ line, want string }{
		// MySQL 8
		{"GRANT USAGE ON *.* TO `app`@`%`", "GRANT USAGE ON *.* TO `app_clone`@`%`"},
		{"GRANT SELECT, INSERT ON `a TO b`.* TO `app`@`%` WITH GRANT OPTION", "GRANT SELECT, INSERT ON `a TO b`.* TO `app_clone`@`%` WITH GRANT OPTION"},
		{"GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `app`@`%`", "GRANT BACKUP_ADMIN,XA_RECOVER_ADMIN ON *.* TO `app_clone`@`%`"},
		{"GRANT `reader`@`%` TO `app`@`%` WITH ADMIN OPTION", "GRANT `reader`@`%` TO `app_clone`@`%` WITH ADMIN OPTION"},
		{"REVOKE SELECT ON `mysql`.* FROM `app`@`%`", "REVOKE SELECT ON `mysql`.* FROM `app_clone`@`%`"},
		{"GRANT PROXY ON ``@`` TO `app`@`%` WITH GRANT OPTION", "GRANT PROXY ON ``@`` TO `app_clone`@`%` WITH GRANT OPTION"},
		{"GRANT EXECUTE ON PROCEDURE `db`.`p ``TO``` TO `app`@`%`", "GRANT EXECUTE ON PROCEDURE `db`.`p ``TO``` TO `app_clone`@`%`"},
		// MySQL 5.7
		{"GRANT SELECT ON `db`.* TO 'app'@'%'", "GRANT SELECT ON `db`.* TO `app_clone`@`%`"},
		// MariaDB
		{"GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*6C8989366EAF75BB670AD8EA7A7FC1176A95CEF4'", "GRANT USAGE ON *.* TO `app_clone`@`%`"},
		{"GRANT ALL PRIVILEGES ON *.* TO `app`@`%` IDENTIFIED VIA ed25519 USING 'x WITH GRANT OPTION' REQUIRE SSL WITH GRANT OPTION MAX_QUERIES_PER_HOUR 5", "GRANT ALL PRIVILEGES ON *.* TO `app_clone`@`%` WITH GRANT OPTION"},
		{"GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED VIA ed25519 USING 'x WITH GRANT OPTION'", "GRANT USAGE ON *.* TO `app_clone`@`%`"},
		{"SET DEFAULT ROLE `reader` FOR `app`@`%`", "SET DEFAULT ROLE `reader` FOR `app_clone`@`%`"},
	} {
		if got, err := retarget(c.line, from, to); err != nil || got != c.want {
			t.Errorf("%s\n became %s, %v\n want   %s", c.line, got, err, c.want)
		}
	}
	for _, line := range []string{"", "DROP USER `app`@`%`", "GRANT SELECT ON `db`.* TO `other`@`%`", "GRANT SELECT ON `db`.* TO `app`@`%.x`", "GRANT SELECT ON `db`.* TO `app` @`%`",
		"GRANT SELECT ON `db`.* TO app@`%`", "GRANT SELECT ON `db`.* TO `app", "GRANT SELECT (TO) ON `db`.`t` TO `app`@`%`", "GRANT SELECT ON `db`.*"} {
		if got, err := retarget(line, from, to); err == nil {
			t.Errorf("%s became %s", line, got)
		}
	}
}

func FuzzRetarget(f *testing.F) {
	f.Add("GRANT SELECT ON `a TO b`.* TO `app`@`%` WITH GRANT OPTION")
	f.Add("GRANT USAGE ON *.* TO 'app'@'%' IDENTIFIED BY PASSWORD '*6C'")
	f.Add("SET DEFAULT ROLE `r` FOR `app`@`%`")
	f.Fuzz(func(t *testing.T, line string) {
		from, to := account{user: "app", host: "%"}, account{user: "clone", host: "h"}
		got, err := retarget(line, from, to)
		if err != nil {
			return
		}
		head, _, ok := strings.Cut(got, to.String())
		if !ok || !strings.HasPrefix(line, head) {
			t.Fatalf("%q became %q", line, got)
		}
		// What we say again is understood as what it was.
		if again, err := retarget(got, to, from); err != nil || !strings.HasPrefix(again, head) {
			t.Fatalf("%q became %q, and again %q, %v", line, got, again, err)
		}
	})
}

func TestPluginOf(t *testing.T) {
	for definition, want := range map[string]string{
		"CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$x' REQUIRE NONE PASSWORD EXPIRE DEFAULT": pluginCachingSHA2,
		"CREATE USER 'app'@'%' IDENTIFIED WITH 'mysql_native_password' AS '*6C'":                                           pluginNative,
		"CREATE USER `IDENTIFIED WITH x`@`%` IDENTIFIED BY PASSWORD '*6C'":                                                 pluginNative,
		"CREATE USER `app`@`%` IDENTIFIED VIA ed25519 USING 'x'":                                                           pluginEd25519,
		"CREATE USER `app`@`%` IDENTIFIED VIA unix_socket":                                                                 "unix_socket",
	} {
		if got, err := pluginOf(definition); err != nil || got != want {
			t.Errorf("%s: %s, %v", definition, got, err)
		}
	}
	for _, bad := range []string{"", "CREATE USER `app`@`%`", "CREATE USER `app", "IDENTIFIED WITH"} {
		if got, err := pluginOf(bad); err == nil {
			t.Errorf("%s: %s", bad, got)
		}
	}
}

func FuzzPluginOf(f *testing.F) {
	f.Add("CREATE USER `app`@`%` IDENTIFIED VIA ed25519 USING 'x'")
	f.Fuzz(func(t *testing.T, definition string) {
		if plugin, err := pluginOf(definition); err == nil {
			// A plugin is never taken as it is: only those that we know become SQL.
			if _, err := mysqlHash(plugin, []byte("x")); err == nil && strings.ContainsAny(plugin, "`'\" ") {
				t.Errorf("the plugin %q", plugin)
			}
		}
	})
}

func TestFlavor(t *testing.T) {
	for version, want := range map[string]flavor{
		"10.11.19-MariaDB-0+deb12u1-log": {mariaDB: true},
		"5.5.5-10.6.1-MariaDB":           {mariaDB: true},
		"8.0.13":                         {},
		"8.0.14":                         {retain: true},
		"8.4.3-commercial":               {retain: true},
		"9.1.0":                          {retain: true},
		"5.7.44-log":                     {},
		"8.0.mysql_aurora.3.04.0":        {},
		"":                               {},
	} {
		got := flavorOf(version)
		if want.version = version; got != want {
			t.Errorf("%s: %+v", version, got)
		}
	}
}
