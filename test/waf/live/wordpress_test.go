package live

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fastness/test/databases"
)

// wordPressPassword is no secret: the blog lives as long as the test.
const wordPressPassword = `Str0ng! & 'long' <pass>phrase; 2024`

// TestWordPressIsNotBlocked has a browser blog with WordPress through the proxy with all managed rule
// groups at their default actions. WordPress is installed without the proxy: its installer is one of the paths that
// the groups block.
func TestWordPressIsNotBlocked(t *testing.T) {
	if _, err := os.Stat("/usr/share/wordpress/wp-content/themes/twentytwentyone"); err != nil {
		t.Fatal("missing: wordpress wordpress-theme-twentytwentyone php-mysql (run test/deps.sh)")
	}
	db := databases.MariaDB(t)
	root := copyTree(t, "/usr/share/wordpress")
	port := freePort(t)
	site := "http://blog.shop.example:" + strconv.Itoa(port)
	config := fmt.Sprintf(`<?php
define('DB_NAME', 'wordpress'); define('DB_USER', %q); define('DB_PASSWORD', %q); define('DB_HOST', '127.0.0.1:%d'); define('DB_CHARSET', 'utf8mb4');
foreach (['AUTH_KEY', 'SECURE_AUTH_KEY', 'LOGGED_IN_KEY', 'NONCE_KEY', 'AUTH_SALT', 'SECURE_AUTH_SALT', 'LOGGED_IN_SALT', 'NONCE_SALT'] as $k) define($k, "of the tests $k");
define('WP_HOME', %q); define('WP_SITEURL', %[4]q);
define('DISABLE_WP_CRON', true); define('WP_HTTP_BLOCK_EXTERNAL', true); define('AUTOMATIC_UPDATER_DISABLED', true);
$table_prefix = 'wp_';
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require ABSPATH . 'wp-settings.php';
`, db.Admin, db.Password, db.Port, site)
	if err := os.WriteFile(filepath.Join(root, "wp-config.php"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	pool := connect(t, db, "")
	if _, err := pool.Exec("CREATE DATABASE wordpress"); err != nil {
		t.Fatal(err)
	}
	direct := servePHP(t, root)
	answer, err := http.PostForm("http://"+direct+"/wp-admin/install.php?step=2", url.Values{
		"weblog_title": {"Anne's Blog & Friends"}, "user_name": {"anne.o"}, "admin_password": {wordPressPassword}, "admin_password2": {wordPressPassword}, "pw_weak": {"on"},
		"admin_email": {"anne@example.com"}, "blog_public": {"0"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if page, err := io.ReadAll(answer.Body); err != nil || !strings.Contains(string(page), "Success!") {
		t.Fatalf("WordPress is not installed: %v\n%s", err, page)
	}
	c := behind(t, direct, everyGroup(t))
	c.LoadBalancers[0].Listeners[0].Port = port
	startProxy(t, c)
	t.Log(browse(t, "wordpress.mjs", "SITE="+site, "PASSWORD="+wordPressPassword))
}
