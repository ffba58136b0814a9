<?php
// Includes files as careless applications do, and tells what was outside, or came through a wrapper: a line of JSON each.
// Each include has a process of its own.
ini_set('log_errors', '0');
$mark = $argv[1];
$places = ['page of PHP' => ['lang/', '.php'], 'part of a page of PHP' => ['/var/www/html/pages/', ''], 'any page of PHP' => ['', '.php'], 'any file of PHP' => ['', '']];
// Wrappers that PHP has with extensions (its manual, "Supported protocols and wrappers").
$wrappers = array_unique(array_merge(stream_get_wrappers(), ['zip', 'expect', 'ssh2.shell', 'ssh2.exec', 'ssh2.sftp', 'rar', 'ogg', 'zlib', 'bzip2', 'compress.bzip2']));
chdir('/var/www/html/pages');
while (($line = fgets(STDIN)) !== false) {
    $value = base64_decode(json_decode($line, true)['Value']);
    $found = [];
    foreach ($places as $place => [$before, $behind]) {
        $path = $before . $value . $behind;
        $scheme = preg_match('~^([a-z][a-z0-9+.]*)(?=://|:)~i', $path, $m) ? strtolower($m[1]) : '';
        if ($scheme !== '' && in_array($scheme, $wrappers, true) && ($scheme === 'data' || str_starts_with(substr($path, strlen($scheme)), '://'))) {
            // An address of another host is what a link is, too.
            $far = in_array($scheme, ['http', 'https', 'ftp', 'ftps'], true);
            $found[] = ['Place' => $place . ($far ? ', another host' : ''), 'Shown' => $far ? '' : "the wrapper $scheme", 'Left' => '', 'Named' => $far ? "another host" : ''];
            continue;
        }
        $answer = "/tmp/answer";
        $child = pcntl_fork();
        if ($child === 0) {
            fclose(STDIN);
            ob_start();
            try {
                @include $path;
            } catch (Throwable $e) {
            }
            $said = '';
            while (ob_get_level()) {
                $said .= ob_get_clean();
            }
            file_put_contents($answer, $said);
            exit(0);
        }
        pcntl_waitpid($child, $status);
        $said = (string) @file_get_contents($answer);
        @unlink($answer);
        if (str_contains($said, $mark)) {
            $found[] = ['Place' => $place, 'Shown' => 'a file', 'Left' => '', 'Named' => ''];
        }
    }
    echo json_encode($found), "\n";
}
