<?php
// Renders templates with Twig and Smarty: a line of JSON each. Each value has a process of its own.
ini_set('log_errors', '0');
require '/usr/share/php/Twig/autoload.php';
require '/usr/share/php/smarty4/Smarty.class.php';
$secret = $argv[1];

function twig($text) {
    global $secret;
    $twig = new \Twig\Environment(new \Twig\Loader\ArrayLoader(['page' => $text]), ['autoescape' => false]);
    try {
        $page = $twig->load('page');
    } catch (\Twig\Error\SyntaxError $e) {
        return ['', str_contains($e->getMessage(), 'Unknown') ? 'runtime' : 'syntax'];
    }
    return [$page->render(['name' => 'anne', 'app' => ['secret' => $secret]]), ''];
}

function smarty($text) {
    global $secret;
    $smarty = new Smarty();
    $smarty->setCompileDir('/tmp/compiled' . getmypid());
    $smarty->assign('name', 'anne');
    $smarty->assign('config', ['secret' => $secret]);
    try {
        return [$smarty->fetch('string:' . $text), ''];
    } catch (SmartyCompilerException $e) {
        return ['', 'syntax'];
    }
}

while (($line = fgets(STDIN)) !== false) {
    $value = mb_scrub(base64_decode(json_decode($line, true)['Value']));
    $answer = '/tmp/answer';
    @unlink($answer);
    $child = pcntl_fork();
    if ($child === 0) {
        fclose(STDIN);
        set_time_limit(5);
        ini_set('memory_limit', '256M');
        foreach (['Twig' => 'twig', 'Smarty' => 'smarty'] as $engine => $render) {
            ob_start();
            $r = ['Engine' => $engine, 'Out' => '', 'Error' => 'runtime'];
            try {
                [$r['Out'], $r['Error']] = $render("Hello $value!");
            } catch (Throwable $e) {
            }
            while (ob_get_level()) {
                ob_end_clean();
            }
            $r['Out'] = substr((string) $r['Out'], 0, 100000);
            if ($r['Error'] !== 'syntax') {
                file_put_contents($answer, json_encode($r, JSON_INVALID_UTF8_SUBSTITUTE) . "\n", FILE_APPEND);
            }
        }
        posix_kill(getmypid(), 9);
    }
    pcntl_waitpid($child, $status);
    $found = [];
    foreach (@file($answer) ?: [] as $l) {
        $found[] = json_decode($l, true);
    }
    @unlink($answer);
    exec('rm -rf /tmp/compiled*');
    echo json_encode(array_values(array_filter($found))), "\n";
}
