#!/usr/bin/env bash
# A WordPress of one's own on 127.0.0.1, to try a crawl on or to test it: from Debian's package `wordpress`, with PHP's built-in server
# and a MariaDB that has no port; everything in one folder, nothing else on the machine touched.
#
#   wordpress.sh run DIR [SECONDS]     make it in a new DIR, print its address, and when standard input ends (whoever holds its other end
#                                      is gone, however it went) stop it and remove DIR
#   wordpress.sh post DIR TITLE TEXT   publish a post (an update to it: `edit`), print its id
#   wordpress.sh edit DIR ID TEXT      change a post
#   wordpress.sh comment DIR POST AUTHOR TEXT [PARENT]   print the comment's id
#   wordpress.sh delete DIR post|comment ID              for good
#   wordpress.sh php DIR               run the PHP code from standard input within WordPress: faster for many things at once
#
# Programs may also use its REST API as `admin` with the application password in DIR/password (HTTP basic authentication).
# It needs Debian's packages: wordpress php-cli php-mysql mariadb-server.
set -euo pipefail

fail() { echo "wordpress.sh: $*" >&2; exit 1; }
[ $# -ge 2 ] || { sed -n '5,12s/^# \{0,1\}//p' "$0" >&2; exit 2; }
verb=$1
mkdir -p "$(dirname "$2")"
dir=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
shift 2
source=/usr/share/wordpress

# MariaDB and PHP do not care for root's rights, and neither should run with them.
as=() owner=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
    owner=nobody
    as=(runuser -u "$owner" --)
fi

# The code is on standard input, and has variables of its own; what follows DIR is $argv[2] and on.
php_code() { "${as[@]}" php -d display_errors=stderr -d error_reporting=1 -r 'require $argv[1]."/www/wp-load.php"; (static function (array $argv) { eval(stream_get_contents(STDIN)); })($argv);' "$dir" "$@"; }

database() {
    mkdir -p "$dir/run"
    chown "$owner" "$dir" "$dir/run"
    "${as[@]}" mariadb-install-db --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal --skip-test-db >"$dir/install.log" 2>&1 ||
        { cat "$dir/install.log" >&2; fail "the database cannot be made in $dir"; }
    # A crash of the machine may cost it everything; the tests do not crash the machine.
    "${as[@]}" mariadbd --no-defaults --datadir="$dir/data" --skip-networking --socket="$dir/run/db" --pid-file="$dir/run/db.pid" \
        --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=32M --innodb-log-file-size=8M --skip-log-bin --performance-schema=OFF \
        >"$dir/database.log" 2>&1 9>&- &
    database=$!
    for ((tenths = 0; tenths < 300; tenths++)); do
        "${as[@]}" mariadb-admin --no-defaults --socket="$dir/run/db" -uroot ping >/dev/null 2>&1 && break
        kill -0 "$database" 2>/dev/null || { cat "$dir/database.log" >&2; fail "the database ended while it started"; }
        sleep 0.1
    done
    "${as[@]}" mariadb --no-defaults --socket="$dir/run/db" -uroot -e 'CREATE DATABASE wordpress CHARACTER SET utf8mb4'
}

# Debian's tree is read-only and common to all: links to it, and what is one's own beside them.
tree() {
    mkdir -p "$dir/www/wp-content"
    for entry in "$source"/* ; do
        case ${entry##*/} in wp-config.php | wp-content) ;; wp-load.php) cp "$entry" "$dir/www/" ;; *) ln -s "$entry" "$dir/www/" ;; esac
    done
    # A linked script's own folder is the one that it is linked to: those that look for wp-load.php beside them are copied.
    for script in index.php wp-blog-header.php wp-settings.php wp-comments-post.php wp-login.php wp-cron.php; do
        rm -f "$dir/www/$script"
        cp -L "$source/$script" "$dir/www/$script"
    done
    ln -s "$source/wp-content/plugins" "$dir/www/wp-content/"
    # Debian keeps themes in packages of their own: a small one will do, which calls what every theme calls.
    mkdir -p "$dir/www/wp-content/themes/plain"
    echo '/* Theme Name: Plain */' >"$dir/www/wp-content/themes/plain/style.css"
    cat >"$dir/www/wp-content/themes/plain/index.php" <<'PHP'
<!DOCTYPE html><html <?php language_attributes(); ?>><head><meta charset="<?php bloginfo('charset'); ?>"><?php wp_head(); ?></head><body <?php body_class(); ?>>
<?php while (have_posts()): the_post(); ?>
<article id="post-<?php the_ID(); ?>" <?php post_class(); ?>><h2 class="entry-title"><a href="<?php the_permalink(); ?>"><?php the_title(); ?></a></h2>
<time class="entry-date" datetime="<?php echo get_the_date('c'); ?>"><?php the_date(); ?></time> <span class="author vcard"><?php the_author(); ?></span>
<div class="entry-content"><?php the_content(); ?></div></article>
<?php endwhile; the_posts_pagination(); wp_footer(); ?></body></html>
PHP
    cat >"$dir/www/wp-config.php" <<PHP
<?php
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:$dir/run/db');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_CONTENT_DIR', '$dir/www/wp-content');
define('WP_HOME', 'http://127.0.0.1:$port');
define('WP_SITEURL', 'http://127.0.0.1:$port');
// Nothing goes out, nothing is sent by mail, and no visit does other work than its own.
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('DISABLE_WP_CRON', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_ENVIRONMENT_TYPE', 'local');
define('WP_DEBUG_DISPLAY', false);
function wp_mail(...\$message) { return true; }
\$table_prefix = 'wp_';
require_once ABSPATH . 'wp-settings.php';
PHP
    # Addresses that are no files are WordPress'.
    cat >"$dir/router.php" <<'PHP'
<?php
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH) ?: '/';
if ($path !== '/' && is_file($_SERVER['DOCUMENT_ROOT'] . $path)) { return false; }
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
require $_SERVER['DOCUMENT_ROOT'] . '/index.php';
PHP
}

install_it() {
    cat >"$dir/install.php" <<'PHP'
<?php
define('WP_INSTALLING', true);
define('WP_DEFAULT_THEME', 'plain');
error_reporting(E_ERROR);
require $argv[1] . '/www/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';
wp_install('抚琴街道论坛', 'admin', 'admin@site.example', true, '', bin2hex(random_bytes(12)));
foreach (['permalink_structure' => '/%year%/%monthnum%/%postname%/', 'timezone_string' => 'Asia/Shanghai', 'comment_moderation' => 0,
    'comment_previously_approved' => 0, 'comments_notify' => 0, 'moderation_notify' => 0, 'require_name_email' => 0, 'posts_per_rss' => 10,
    'close_comments_for_old_posts' => 0] as $name => $value) { update_option($name, $value); }
switch_theme('plain');
wp_delete_post(1, true);
flush_rewrite_rules(false);
[$password] = WP_Application_Passwords::create_new_application_password(1, ['name' => 'tests']);
file_put_contents($argv[1] . '/password', $password);
PHP
    "${as[@]}" php "$dir/install.php" "$dir" >"$dir/install.log" 2>&1 || { cat "$dir/install.log" >&2; fail "WordPress cannot be installed in $dir"; }
    [ -s "$dir/password" ] || { cat "$dir/install.log" >&2; fail "WordPress has no password"; }
}

# Nobody can hold a port free for another: try until one is.
serve() {
    "${as[@]}" env PHP_CLI_SERVER_WORKERS=4 php -d display_errors=0 -d opcache.enable_cli=1 -S "127.0.0.1:$port" -t "$dir/www" "$dir/router.php" \
        >"$dir/server.log" 2>&1 9>&- &
    server=$!
    for ((tenths = 0; tenths < 100; tenths++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && kill -0 "$server" 2>/dev/null && return
        kill -0 "$server" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# All processes of a job: PHP's workers too.
end() {
    local child
    for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do end "$child"; done
    kill "${2:--TERM}" "$1" 2>/dev/null || true
}

case $verb in
run)
    [ -e "$source/wp-load.php" ] || fail "there is no WordPress in $source: apt-get install wordpress php-cli php-mysql mariadb-server"
    [ ! -e "$dir" ] || fail "$dir is there already: run makes its folder, and removes it"
    server='' database=''
    gone() {
        for job in $server $database; do end "$job" -KILL; done
        wait 2>/dev/null || true
        rm -rf "$dir"
    }
    trap gone EXIT
    trap 'exit 1' INT TERM HUP
    mkdir -p "$dir"
    database
    for try in 1 2 3 4 5 6 7 8; do
        port=$((20000 + RANDOM % 12000))
        (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && continue
        rm -rf "$dir/www"
        tree
        chown -Rh "$owner" "$dir/www" "$dir/router.php"
        [ -s "$dir/password" ] || install_it
        serve && break
        server=''
    done
    [ -n "$server" ] || { cat "$dir/server.log" >&2; fail "the server does not start"; }
    echo "http://127.0.0.1:$port"
    cat >/dev/null || true
    ;;
post) php_code "$@" <<<'echo wp_insert_post(["post_title" => $argv[2], "post_content" => $argv[3], "post_status" => "publish", "post_author" => 1]), "\n";' ;;
edit) php_code "$@" <<<'wp_update_post(["ID" => (int) $argv[2], "post_content" => $argv[3]]);' ;;
comment) php_code "$@" <<<'echo wp_insert_comment(["comment_post_ID" => (int) $argv[2], "comment_author" => $argv[3], "comment_content" => $argv[4], "comment_parent" => (int) ($argv[5] ?? 0), "comment_approved" => 1]), "\n";' ;;
delete) php_code "$@" <<<'$argv[2] === "post" ? wp_delete_post((int) $argv[3], true) : wp_delete_comment((int) $argv[3], true);' ;;
php) php_code "$@" ;;
*) fail "there is no command $verb" ;;
esac
