<?php
// Tells what a value calls as PHP: a line of JSON each. PHP's own parser reads it; nothing is run.
error_reporting(0);
ini_set('log_errors', '0');
const PLACES = ['a statement' => ['<?php ', ";\n"], 'an expression' => ['<?php $x = ', ";\n"], 'single quotes' => ["<?php \$x = f('", "');\n"], 'double quotes' => ['<?php $x = "', "\";\n"], 'single quotes of an assignment' => ["<?php \$x = '", "';\n"], 'a file' => ['', '']];

function calls($code) {
    try {
        $tokens = token_get_all($code, TOKEN_PARSE);
    } catch (Throwable $e) {
        return null;
    }
    $tokens = array_values(array_filter($tokens, fn($t) => !is_array($t) || !in_array($t[0], [T_WHITESPACE, T_COMMENT, T_DOC_COMMENT])));
    $all = [];
    foreach ($tokens as $i => $t) {
        $next = $tokens[$i + 1] ?? '';
        if ($t === '`') {
            $all[] = 'backquotes';
        } elseif (is_array($t)) {
            if (in_array($t[0], [T_EVAL, T_INCLUDE, T_INCLUDE_ONCE, T_REQUIRE, T_REQUIRE_ONCE, T_EXIT, T_ECHO, T_PRINT, T_OPEN_TAG_WITH_ECHO, T_NEW])) {
                $all[] = strtolower(trim($t[1]));
            } elseif (in_array($t[0], [T_STRING, T_NAME_FULLY_QUALIFIED]) && $next === '(') {
                $name = ltrim(strtolower($t[1]), '\\');
                $before = $tokens[$i - 1] ?? '';
                $member = is_array($before) && in_array($before[0], [T_OBJECT_OPERATOR, T_DOUBLE_COLON]);
                $all[] = $member || function_exists($name) || in_array($name, ['assert', 'system', 'exec', 'passthru', 'shell_exec', 'create_function', 'mysql_query']) ? $name : "?$name";
            } elseif (in_array($t[0], [T_VARIABLE, T_CONSTANT_ENCAPSED_STRING]) && $next === '(') {
                $all[] = 'a call of a value';
            }
        }
    }
    return $all;
}

while (($line = fgets(STDIN)) !== false) {
    $value = base64_decode(json_decode($line, true)['Value']);
    $found = [];
    foreach (PLACES as $place => [$before, $behind]) {
        if ($place === 'a file' && !preg_match('~<\?(?:php|=)|<\?\s~i', $value)) {
            continue;
        }
        $more = calls($before . $value . $behind);
        foreach (array_diff($more ?? [], calls($before . 'x' . $behind) ?? []) as $name) {
            $there = $name[0] !== '?';
            $found[] = ['Verdict' => $there ? 'carried out' : 'possible', 'Kind' => "PHP, $place" . ($there ? '' : ', unknown'), 'How' => $name];
        }
    }
    echo json_encode($found, JSON_INVALID_UTF8_SUBSTITUTE), "\n";
}
